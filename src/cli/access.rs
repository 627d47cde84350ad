//! Who may send spans.

use std::path::PathBuf;

use clap::Args;

/// Options of everything that listens, on whom it lets in. Secrets stand in files and in `JWTRAIL_AUTH`, never here.
#[derive(Clone, Debug, Default, Args)]
pub struct AccessArgs {
    /// Take spans through TLS alone: the server's certificate, with those that lead to its authority behind it (PEM)
    #[arg(long, env = "JWTRAIL_TLS_CERT", hide_env_values = true, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert (PEM)
    #[arg(long, env = "JWTRAIL_TLS_KEY", hide_env_values = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Let in only who shows a certificate of these authorities (PEM)
    #[arg(long, env = "JWTRAIL_TLS_CLIENT_CA", hide_env_values = true, value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
    /// Let in only who shows a secret of this file: lines `bearer SECRET` or `api-key SECRET`; so does `JWTRAIL_AUTH`
    #[arg(help = "Let in only who shows a secret of this file: lines `bearer SECRET` or `api-key SECRET`; so does \
                  JWTRAIL_AUTH")]
    #[arg(long, env = "JWTRAIL_AUTH_FILE", hide_env_values = true, value_name = "FILE")]
    pub auth_file: Option<PathBuf>,
    /// Let pages of this origin send, besides those of this machine; * for all; may be given more than once
    #[arg(long, env = "JWTRAIL_CORS_ORIGIN", hide_env_values = true, value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,
}
