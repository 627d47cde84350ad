//! Events in, messages through the state, pictures out. The only file here that waits.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEventKind};
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, interval_at};

use super::asking::Asking;
use super::background::{self, Late};
use super::effect::{Effect, Host};
use super::graph::Ask;
use super::keymap;
use super::layouts::Layouts;
use super::message::{Message, Pointer};
use super::replay::{Playback, Player};
use super::signals::Signals;
use super::state::State;
use super::terminal::Screen;
use super::update::update;
use super::{Feed, Mode, Switches, TuiError, TuiOptions, view};

/// Least time between two pictures.
const FRAME: Duration = Duration::from_millis(16);
/// How long a toast stays.
const TOAST: Duration = Duration::from_secs(5);
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
    let mut running = Running { stop: Some(stop), thread: Some(thread) };
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

/// The screen's thread. Whoever lets go of it, by a panic too, waits until the terminal is given back.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Loop {
    state: State,
    snapshots: watch::Receiver<Arc<crate::engine::Snapshot>>,
    switches: Option<Arc<dyn Switches>>,
    player: Option<Arc<dyn Player>>,
    playback: Option<watch::Receiver<Arc<Playback>>>,
    host: Option<Arc<dyn Host>>,
    /// Answers of the host, by whichever thread it worked on.
    done: (mpsc::UnboundedSender<Result<String, String>>, mpsc::UnboundedReceiver<Result<String, String>>),
    asking: Asking,
    layouts: Layouts,
    asked: Option<Ask>,
    /// When the toast goes.
    toast: Option<Instant>,
    /// When edges are no longer bright.
    pulse: Option<Instant>,
    /// What to do with an answer of the terminal that comes among the keys.
    late: Late,
    redraw: bool,
    suspend: bool,
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
            asking: Asking::new(feed.asker),
            layouts,
            asked: None,
            toast: None,
            pulse: None,
            late: Late::Over,
            redraw: false,
            suspend: false,
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
        let mut minutes = interval_at(Instant::now() + Duration::from_secs(60), Duration::from_secs(60));
        let mut minute = 0;
        let mut feeding = true;
        let (width, height) = screen.size()?;
        update(&mut self.state, Message::Resize(width, height));
        loop {
            self.refresh();
            self.perform(screen)?;
            self.draw(screen)?;
            let drawn = Instant::now();
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.event(&event),
                    // The terminal is gone: there is nobody left to show anything to.
                    Some(Err(_)) | None => return Ok(()),
                },
                changed = self.snapshots.changed(), if feeding => match changed {
                    Ok(()) => {
                        minute = 0;
                        minutes.reset();
                    }
                    // A file that was read to its end stays on the screen.
                    Err(_) => feeding = false,
                },
                Some(answer) = self.layouts.answers.recv() => update(&mut self.state, Message::Laid(answer)),
                Some(answer) = self.asking.answer() => update(&mut self.state, Message::Answered(answer)),
                Some(result) = self.done.1.recv() => self.tell(result),
                playback = changed(&mut self.playback) => update(&mut self.state, Message::Playback(playback)),
                () = at(self.pulse) => {
                    self.pulse = None;
                    update(&mut self.state, Message::PulseOver);
                }
                () = at(self.toast) => {
                    self.toast = None;
                    update(&mut self.state, Message::ToastOver);
                }
                _ = minutes.tick(), if !matches!(self.state.mode, Mode::Replay { .. }) => {
                    minute += 1;
                    update(&mut self.state, Message::Minutes(minute));
                }
                () = Signals::stopped(&mut signals.stop) => return Ok(()),
                _ = signals.suspend.recv() => self.suspend = true,
                _ = signals.resume.recv() => self.redraw = true,
                _ = &mut stop => return Ok(()),
            }
            // What follows within one frame belongs to the same picture: keys are few, snapshots are many.
            self.drain(&mut events).await;
            if !self.state.quit && drawn.elapsed() < FRAME {
                tokio::time::sleep_until(drawn + FRAME).await;
                self.drain(&mut events).await;
            }
            if self.state.quit {
                return Ok(());
            }
        }
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
        self.asking.want(self.state.wants(), self.state.newest.revision);
        let ask = self.layouts.ask(&self.state);
        if !self.state.is_empty() && !self.state.laid.serves(&ask) && self.asked.as_ref() != Some(&ask) {
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

    /// Does what the state wants done outside of it.
    fn perform(&mut self, screen: &mut Screen) -> Result<(), TuiError> {
        for effect in std::mem::take(&mut self.state.effects) {
            match effect {
                Effect::Suspend => self.suspend = true,
                Effect::Redraw => self.redraw = true,
                Effect::Switch(key) => {
                    if let Some(switches) = &self.switches {
                        switches.toggle(key);
                        self.state.switches = switches.list();
                        super::menu::refresh(&mut self.state);
                    }
                }
                Effect::Replay(control) => {
                    if let Some(player) = &self.player {
                        player.control(control);
                    }
                }
                Effect::Copy { what, text } => {
                    let result = screen.copy(&text).map(|()| format!("copied the {what}"));
                    self.tell(result.map_err(|error| format!("the {what} was not copied: {error}")));
                }
                Effect::Open { name, text } => {
                    let _held = Screen::hold();
                    let result = screen.open(&name, &text);
                    self.redraw = true;
                    if let Err(error) = result {
                        self.tell(Err(error.to_string()));
                    }
                }
                Effect::Host(request) => match &self.host {
                    Some(host) => {
                        let (host, done) = (Arc::clone(host), self.done.0.clone());
                        thread::Builder::new().name("host".to_owned()).spawn(move || {
                            // Nobody is told where the screen is gone meanwhile.
                            drop(done.send(host.perform(request)));
                        })?;
                    }
                    None => self.tell(Err("nothing here can do that".to_owned())),
                },
            }
        }
        Ok(())
    }

    fn tell(&mut self, result: Result<String, String>) {
        self.toast = Some(Instant::now() + TOAST);
        update(&mut self.state, Message::Done(result));
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
