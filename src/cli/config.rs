//! `jwtrail config`.

use clap::{Args, Subcommand};

use super::LiveArgs;

pub(super) const HELP: &str = "\
Examples:
  jwtrail config path                           where the file is, or would be
  jwtrail config show                           every setting in force, and where it comes from
  jwtrail config show --memory 1GiB             the same with an option

The file holds every long option under [options], keys under [keys], and saved views:
  [options]
  memory = \"1GiB\"
  no-mouse = true

  [keys]
  quit = [\"ctrl-c\", \"Q\"]

  [[view]]
  name = \"broken payments\"
  key = \"F2\"
  page = \"traces\"
  filter = \"callee:pay* verdict:dropped,failed\"

An option on the command line wins over the environment, that over [options] of jwtrail.toml, and that over this file.";

/// `jwtrail config`
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every setting in force with where it comes from, as TOML
    Show(Box<ConfigShowArgs>),
    /// Where the configuration file is
    Path,
}

/// `jwtrail config show`
#[derive(Clone, Debug, Args)]
pub struct ConfigShowArgs {
    /// Options to show as if they were given.
    #[command(flatten)]
    pub live: LiveArgs,
}
