//! Events in, messages through the state, pictures out. The only module here that waits.

mod logs;
mod pace;
mod perform;
mod running;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEventKind};
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, interval_at};

use super::asking::Asking;
use super::background::{self, Late};
use super::effect::Host;
use super::graph::Ask;
use super::keymap;
use super::layouts::Layouts;
use super::message::{Message, Pointer};
use super::page::Page;
use super::pager;
use super::replay::{Playback, Player};
use super::signals::Signals;
use super::state::{Filtering, State};
use super::terminal::Screen;
use super::typing::Typing;
use super::update::update;
use super::{Feed, Mode, Switches, TuiError, TuiOptions, view};
use logs::Logs;
use pace::{Pace, Why};
use running::Running;

/// How long nothing has to come until what is ago is said anew.
const MINUTE: Duration = Duration::from_secs(60);
/// How long an edge is bright after a hop, unless the next snapshot comes before.
const PULSE: Duration = Duration::from_millis(600);
/// Events taken before a picture is drawn: pasted text must not hold up the screen.
const DRAIN: usize = 256;

/// Shows the screen until the user leaves or `quit` is ready; the terminal is as before when this returns.
///
/// The screen has a thread of its own: a terminal that does not take what is written holds up nothing else.
pub async fn run(
    feed: Feed,
    options: TuiOptions,
    switches: Option<Arc<dyn Switches>>,
    quit: impl Future,
) -> Result<(), TuiError> {
    let (stop, stopped) = oneshot::channel();
    let (done, mut end) = oneshot::channel();
    let thread = thread::Builder::new().name("screen".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = runtime.map_err(TuiError::from).and_then(|runtime| {
            runtime.block_on(async {
                let mut screen = Screen::take(options.mouse)?;
                let adapts = options.theme.adapts;
                let mut screen_loop = Loop::new(feed, options, switches)?;
                if adapts {
                    screen_loop.adapt();
                }
                screen_loop.run(&mut screen, stopped).await
            })
        });
        let _ = done.send(result);
    })?;
    let mut running = Running::new(stop, thread);
    let result = tokio::select! {
        result = &mut end => result,
        _ = quit => {
            running.stop();
            end.await
        }
    };
    // The sender is gone without a word only if the thread panicked.
    result.map_err(|_| TuiError::Panicked)?
}

/// What to tell the user, of success or failure.
type Done = Result<String, String>;

struct Loop {
    state: State,
    snapshots: watch::Receiver<Arc<crate::engine::Snapshot>>,
    switches: Option<Arc<dyn Switches>>,
    player: Option<Arc<dyn Player>>,
    playback: Option<watch::Receiver<Arc<Playback>>>,
    host: Option<Arc<dyn Host>>,
    /// Answers of the host, by whichever thread it worked on.
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    /// Answers of the host that are still to come.
    working: usize,
    asking: Asking,
    layouts: Layouts,
    asked: Option<Ask>,
    logs: Logs,
    /// When the toast goes.
    toast: Option<Instant>,
    /// Minutes since the newest snapshot came: what is said to be ago grows older without one.
    minutes: Interval,
    minute: u64,
    /// Whether snapshots may still come.
    feeding: bool,
    pace: Pace,
    /// When edges are no longer bright.
    pulse: Option<Instant>,
    /// What to do with an answer of the terminal that comes among the keys.
    late: Late,
    redraw: bool,
    suspend: bool,
    /// For another program, by name.
    open: Option<(String, String)>,
}

impl Loop {
    fn new(feed: Feed, options: TuiOptions, switches: Option<Arc<dyn Switches>>) -> std::io::Result<Self> {
        let log_path = options.log_path.map(|path| path.display().to_string()).unwrap_or_default();
        let state = State {
            listening: feed.listening,
            mode: feed.mode,
            theme: options.theme,
            mouse: options.mouse,
            log_path,
            keymap: Arc::new(options.keymap),
            filter: Filtering { history: options.filters, ..Filtering::default() },
            typing: Typing { commands: options.commands, views: Arc::new(options.views), ..Typing::default() },
            ..State::default()
        };
        let layouts = Layouts::start()?;
        let mut snapshots = feed.snapshots;
        snapshots.mark_changed();
        let mut playback = feed.player.as_ref().map(|player| player.watch());
        if let Some(playback) = &mut playback {
            playback.mark_changed();
        }
        Ok(Self {
            state,
            snapshots,
            switches,
            player: feed.player,
            playback,
            host: feed.host,
            done: mpsc::unbounded_channel(),
            working: 0,
            asking: Asking::new(feed.asker),
            layouts,
            asked: None,
            logs: Logs::default(),
            toast: None,
            minutes: interval_at(Instant::now() + MINUTE, MINUTE),
            minute: 0,
            feeding: true,
            pace: Pace::new(Instant::now()),
            pulse: None,
            late: Late::Over,
            redraw: false,
            suspend: false,
            open: None,
        })
    }

    /// Takes the colours that suit the terminal's background, if it says what that is.
    fn adapt(&mut self) {
        let asked = background::ask();
        let palette = asked.palette.unwrap_or(self.state.theme.palette);
        self.state.theme = self.state.theme.wearing(palette);
        self.late = asked.late;
        asked.typed.into_iter().for_each(|key| self.key(key));
    }

    async fn run(mut self, screen: &mut Screen, mut stop: oneshot::Receiver<()>) -> Result<(), TuiError> {
        let mut events = EventStream::new();
        let mut signals = Signals::new()?;
        let (width, height) = screen.size()?;
        update(&mut self.state, Message::Resize(width, height));
        loop {
            let began = Instant::now();
            self.refresh();
            self.perform();
            if let Some((name, text)) = self.open.take() {
                // Whoever reads the terminal now must be alone with it: the stream would eat the other program's keys.
                drop(events);
                if !self.shown(pager::show(screen, &mut signals, &mut stop, &name, &text).await?) {
                    return Ok(());
                }
                events = EventStream::new();
            }
            self.draw(screen)?;
            self.pace.drawn(began, Instant::now());
            if !self.wait(&mut events, &mut signals, &mut stop).await {
                self.leave().await;
                return Ok(());
            }
        }
    }

    /// Waits until there is something to draw, and until it is time to; false where the screen is to end.
    async fn wait(
        &mut self,
        events: &mut EventStream,
        signals: &mut Signals,
        stop: &mut oneshot::Receiver<()>,
    ) -> bool {
        while !self.state.quit {
            let due = self.pace.due();
            if due.is_some_and(|due| due <= Instant::now()) {
                self.drain(events).await;
                break;
            }
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.event(&event),
                    // The terminal is gone: there is nobody left to show anything to.
                    Some(Err(_)) | None => return false,
                },
                changed = self.snapshots.changed(), if self.feeding => match changed {
                    Ok(()) => self.fed(),
                    // A file that was read to its end stays on the screen.
                    Err(_) => self.feeding = false,
                },
                Some(answer) = self.layouts.answers.recv() => self.say(Message::Laid(answer), Why::Data),
                Some(answer) = self.asking.answer() => self.say(Message::Answered(answer), Why::Data),
                Some(result) = self.done.1.recv() => {
                    self.working = self.working.saturating_sub(1);
                    self.tell(result);
                }
                tail = self.logs.next(&self.state), if self.state.log.is_some() => {
                    self.say(Message::Log(tail), Why::Data);
                }
                playback = changed(&mut self.playback) => self.say(Message::Playback(playback), Why::Data),
                () = at(self.pulse) => {
                    self.pulse = None;
                    self.say(Message::PulseOver, Why::Data);
                }
                () = at(self.toast) => {
                    self.toast = None;
                    self.say(Message::ToastOver, Why::Hand);
                }
                _ = self.minutes.tick(), if !matches!(self.state.mode, Mode::Replay { .. }) => {
                    self.minute += 1;
                    self.say(Message::Minutes(self.minute), Why::Data);
                }
                () = Signals::stopped(&mut signals.stop) => return false,
                _ = signals.suspend.recv() => {
                    self.suspend = true;
                    self.pace.wake(Why::Hand);
                }
                _ = signals.resume.recv() => {
                    self.redraw = true;
                    self.pace.wake(Why::Hand);
                }
                _ = &mut *stop => return false,
                // What follows until then belongs to the same picture: keys are few, snapshots are many.
                () = at(due) => {}
            }
        }
        !self.state.quit
    }

    /// Lets a message happen, and wants its picture.
    fn say(&mut self, message: Message, why: Why) {
        update(&mut self.state, message);
        self.pace.wake(why);
    }

    /// A snapshot is there: it is taken when the picture is drawn, newer ones may come until then.
    fn fed(&mut self) {
        self.minute = 0;
        self.minutes.reset();
        self.pace.wake(Why::Data);
    }

    /// Takes what has come meanwhile. The stream is polled with this task's own waker: it keeps the one it was first
    /// polled with, and another would leave the screen asleep when the next key comes.
    async fn drain(&mut self, events: &mut EventStream) {
        let mut taken = 0;
        poll_fn(|context| {
            while taken < DRAIN {
                match events.poll_next_unpin(context) {
                    Poll::Ready(Some(Ok(event))) => self.event(&event),
                    Poll::Ready(_) | Poll::Pending => break,
                }
                taken += 1;
            }
            Poll::Ready(())
        })
        .await;
        while let Ok(answer) = self.layouts.answers.try_recv() {
            update(&mut self.state, Message::Laid(answer));
        }
    }

    /// Takes the newest snapshot and the switches' state, and asks for a layout if the graph became another one.
    fn refresh(&mut self) {
        let newest = self.snapshots.borrow_and_update().clone();
        if !Arc::ptr_eq(&newest, &self.state.newest) {
            update(&mut self.state, Message::Snapshot(newest));
            self.pulse = (!self.state.pulses.is_empty()).then(|| Instant::now() + PULSE);
        }
        if let Some(switches) = &self.switches {
            self.state.switches = switches.list();
        }
        // One that went with its page takes its time with it: the next has all of its own.
        let lasts = || Instant::now() + perform::TOAST;
        self.toast = self.state.toast.is_some().then(|| self.toast.unwrap_or_else(lasts));
        self.asking.want(self.state.wants(), self.state.newest.revision);
        // What is not shown is laid out when it is.
        if self.state.page() != Page::Map || self.state.is_empty() {
            return;
        }
        let ask = self.layouts.ask(&self.state);
        if !self.state.laid.serves(&ask) && self.asked.as_ref() != Some(&ask) {
            self.asked = Some(ask.clone());
            self.layouts.questions.send_replace(Some(ask));
        }
    }

    fn draw(&mut self, screen: &mut Screen) -> Result<(), TuiError> {
        let _held = Screen::hold();
        if Screen::is_lost() {
            return Err(TuiError::Panicked);
        }
        screen.set_mouse(self.state.mouse)?;
        if std::mem::take(&mut self.suspend) {
            screen.suspend()?;
            self.redraw = true;
        }
        if std::mem::take(&mut self.redraw) {
            let (width, height) = screen.size()?;
            update(&mut self.state, Message::Resize(width, height));
            screen.redraw()?;
        }
        screen.show(view::picture(&self.state))?;
        Ok(())
    }

    fn event(&mut self, event: &Event) {
        self.pace.wake(Why::Hand);
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(*key),
            Event::Mouse(mouse) => {
                let pointer = match mouse.kind {
                    MouseEventKind::Down(MouseButton::Left) => Pointer::Click,
                    MouseEventKind::Drag(MouseButton::Left) => Pointer::Drag,
                    MouseEventKind::ScrollUp => Pointer::WheelUp,
                    MouseEventKind::ScrollDown => Pointer::WheelDown,
                    _ => return,
                };
                update(&mut self.state, Message::Point(pointer, mouse.column, mouse.row));
            }
            Event::Paste(text) => update(&mut self.state, Message::Paste(text.clone())),
            Event::Resize(width, height) => {
                update(&mut self.state, Message::Resize(*width, *height));
                self.redraw = true;
            }
            _ => {}
        }
    }

    fn key(&mut self, event: crossterm::event::KeyEvent) {
        if self.late.takes(event) {
            return;
        }
        if let Some(key) = keymap::key(event) {
            update(&mut self.state, Message::Press(key));
        }
    }
}

/// The next word of a replay; never, where there is none.
async fn changed(playback: &mut Option<watch::Receiver<Arc<Playback>>>) -> Arc<Playback> {
    if let Some(receiver) = playback {
        if receiver.changed().await.is_ok() {
            return receiver.borrow_and_update().clone();
        }
        *playback = None;
    }
    std::future::pending().await
}

/// At that moment; never, where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
