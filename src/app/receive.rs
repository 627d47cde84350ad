//! Receivers, from bound ports to a clean end.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::settings::Listen;
use crate::engine::Intake;
use crate::otlp::{Addresses, Bound, Counters, Decode, Receivers, ServeError};

/// Ports that are taken, but not answered on yet: so that a busy port is known before anything else starts.
pub struct Listening {
    bound: Bound,
}

impl Listening {
    /// Takes both ports or none.
    pub fn bind(listen: Listen) -> anyhow::Result<Self> {
        Ok(Self { bound: Receivers::bind(listen.grpc, listen.http)? })
    }

    /// Where they listen.
    pub fn addresses(&self) -> Addresses {
        self.bound.addresses()
    }

    /// `127.0.0.1:4317 gRPC`, one for each.
    pub fn names(&self) -> Vec<String> {
        self.each().map(|(address, protocol)| format!("{address} {protocol}")).collect()
    }

    /// What people should know of these addresses: spans hold names and claims, and anyone who reaches a port can
    /// send some.
    pub fn notes(&self) -> Vec<String> {
        let open = self.each().filter(|(address, _)| !address.ip().is_loopback());
        open.map(|(address, protocol)| {
            format!("{address} ({protocol}) is open to the network: anyone who reaches it can send spans")
        })
        .collect()
    }

    fn each(&self) -> impl Iterator<Item = (SocketAddr, &'static str)> {
        let Addresses { grpc, http } = self.bound.addresses();
        grpc.map(|address| (address, "gRPC")).into_iter().chain(http.map(|address| (address, "HTTP")))
    }

    /// Begins to answer.
    pub fn serve(self, decoder: Arc<dyn Decode>, intake: Intake) -> Receiving {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            // A sender that is gone asks for the end too.
            drop(stopped.await);
        };
        let serving = self.bound.serve(decoder, Arc::new(intake), Arc::clone(&counters), shutdown);
        Receiving { stop, task: tokio::spawn(serving), counters }
    }
}

/// Receivers that answer.
pub struct Receiving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
    counters: Arc<Counters>,
}

impl Receiving {
    /// Waits for the end that nobody asked for.
    pub async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) => anyhow::anyhow!("the receivers have ended by themselves"),
            Err(error) => anyhow::Error::from(error).context("the receivers have ended"),
        }
    }

    /// Takes no more requests and lets open ones end. Call it once, and not after [`Self::failed`].
    pub async fn stop(self) -> anyhow::Result<()> {
        // Receivers that have ended by themselves say so below.
        drop(self.stop.send(()));
        self.task.await.context("the receivers were lost")?.context("the receivers failed")?;
        tracing::info!(counters = ?self.counters, "receivers stopped");
        Ok(())
    }
}
