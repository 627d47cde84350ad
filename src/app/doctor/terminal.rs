//! What this terminal can do, as far as it tells without being asked: a question would wait for an answer that some
//! terminals never give.

use std::io::{self, IsTerminal};

use super::Checked;
use crate::tui::geometry::{LEAST_HEIGHT, LEAST_WIDTH};
use crate::tui::{self, Depth};

type Var<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks at the terminal on standard output.
pub(super) fn look() -> Vec<Checked> {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if !io::stdout().is_terminal() {
        let said = "standard output is none: screens need one, `serve` and `check` do not";
        return vec![Checked::note("terminal", said)];
    }
    let mut found = vec![kind(&var), size(tui::size())];
    found.extend(drawing(&var));
    found.extend([clipboard(&var), mouse(&var)]);
    found
}

fn kind(var: Var<'_>) -> Checked {
    let Some(term) = var("TERM").filter(|term| term != "dumb") else {
        return Checked::bad(
            "kind",
            "TERM is not set, or dumb",
            "set TERM to what the terminal is, as in xterm-256color",
        );
    };
    let within = match (var("TMUX"), var("STY"), var("SSH_CONNECTION")) {
        (Some(_), ..) => ", in tmux",
        (_, Some(_), _) => ", in screen",
        (.., Some(_)) => ", through ssh",
        _ => "",
    };
    let program = var("TERM_PROGRAM").map(|program| format!(" ({program})")).unwrap_or_default();
    Checked::good("kind", format!("{term}{program}{within}"))
}

fn size(size: Option<(u16, u16)>) -> Checked {
    match size {
        Some((w, h)) if w >= LEAST_WIDTH && h >= LEAST_HEIGHT => Checked::good("size", format!("{w} x {h}")),
        Some((w, h)) => {
            Checked::bad("size", format!("{w} x {h}"), format!("make it {LEAST_WIDTH} x {LEAST_HEIGHT} or larger"))
        }
        None => Checked::note("size", "not told"),
    }
}

fn drawing(var: Var<'_>) -> [Checked; 2] {
    let theme = tui::theme_for(false, false, var);
    let colours = match theme.depth {
        Depth::True => Checked::good("colours", "true colour"),
        Depth::Indexed => Checked::good("colours", "256"),
        Depth::Sixteen => Checked::note("colours", "16, as far as TERM and COLORTERM tell")
            .mend("COLORTERM=truecolor says that there are more, where there are"),
        Depth::None if var("NO_COLOR").is_some() => Checked::note("colours", "none, as NO_COLOR asks"),
        Depth::None => Checked::note("colours", "none"),
    };
    let signs = if theme.ascii {
        Checked::note("signs", "ASCII, for the locale is not UTF-8, or the terminal is the console")
            .mend("LANG=C.UTF-8 gives the drawn ones, where the terminal can show them")
    } else {
        Checked::good("signs", "UTF-8")
    };
    [colours, signs]
}

/// Terminals that take a text for the clipboard (OSC 52) without being told to.
const TAKES: [&str; 10] =
    ["kitty", "alacritty", "foot", "wezterm", "ghostty", "iterm", "contour", "rio", "tabby", "vscode"];

fn clipboard(var: Var<'_>) -> Checked {
    let what = "copying";
    if var("TMUX").is_some() {
        return Checked::note(what, "by OSC 52, through tmux").mend("tmux passes it on with `set -g set-clipboard on`");
    }
    if var("STY").is_some() {
        return Checked::note(what, "by OSC 52, which screen holds back: tmux passes it on");
    }
    let names = [var("TERM"), var("TERM_PROGRAM"), var("LC_TERMINAL")];
    let named = |name: &str| names.iter().flatten().any(|found| found.to_lowercase().contains(name));
    if TAKES.iter().any(|name| named(name)) || var("WT_SESSION").is_some() {
        Checked::good(what, "by OSC 52, which this terminal takes")
    } else if named("apple_terminal") || named("linux") {
        Checked::note(what, "not from here: this terminal does not take OSC 52")
            .mend("m gives the mouse back, to select text")
    } else {
        Checked::note(what, "by OSC 52, if this terminal takes it: it does not tell")
    }
}

fn mouse(var: Var<'_>) -> Checked {
    match var("TERM").as_deref() {
        Some("linux" | "dumb") | None => Checked::note("mouse", "none"),
        Some(_) => Checked::good("mouse", "clicks and wheel; m or --no-mouse leaves it to the terminal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Health;

    fn with<R>(vars: &[(&str, &str)], look: impl Fn(Var<'_>) -> R) -> R {
        look(&|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terminals_are_told_apart_by_what_they_set() {
        let copying = |vars: &[(&str, &str)]| with(vars, clipboard).said;
        assert!(copying(&[("TERM", "xterm-kitty")]).contains("takes"));
        assert!(copying(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux")]).contains("tmux"));
        assert!(copying(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")]).contains("not from here"));
        assert!(copying(&[("TERM", "xterm")]).contains("does not tell"));
        assert_eq!(with(&[], kind).health, Health::Bad);
        assert_eq!(with(&[("TERM", "xterm"), ("STY", "1.x")], kind).said, "xterm, in screen");
        assert_eq!([size(Some((59, 16))).health, size(Some((60, 16))).health], [Health::Bad, Health::Good]);
        let [colours, signs] = with(&[("TERM", "xterm"), ("LANG", "C")], drawing);
        assert!(colours.said.starts_with("16") && signs.said.starts_with("ASCII"));
    }
}
