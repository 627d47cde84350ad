//! `jwtrail completions` and `jwtrail man`.

use clap::Args;
use clap_complete::Shell;

pub(super) const HELP: &str = "\
Examples:
  jwtrail completions bash > ~/.local/share/bash-completion/completions/jwtrail
  jwtrail completions zsh > \"${fpath[1]}/_jwtrail\"
  jwtrail completions fish > ~/.config/fish/completions/jwtrail.fish";

pub(super) const MAN_HELP: &str = "\
Examples:
  jwtrail man > jwtrail.1
  jwtrail man | man -l -";

/// `jwtrail completions`
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
