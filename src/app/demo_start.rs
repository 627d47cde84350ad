//! The demo, started from the live screen: the shop exports to the receivers that listen already.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::demo::{Faults, Shop};
use super::demo_run::Switchboard;
use crate::otlp::Addresses;
use crate::tui::effect::{Host, Request};
use crate::tui::{Switch, Switches};

/// Starts the shop when it is asked to, and has its faults as switches from then on. Whatever else the screen asks goes
/// to the host behind it.
pub struct DemoStart {
    runtime: Handle,
    addresses: Addresses,
    shop: Mutex<Option<(Shop, Switchboard)>>,
    /// Held while the shop opens: it is asked for once.
    opening: Mutex<()>,
    behind: Option<Arc<dyn Host>>,
}

impl DemoStart {
    /// For receivers at these addresses. To be called within the runtime that the shop is to run on.
    pub fn new(addresses: Addresses, behind: Option<Arc<dyn Host>>) -> Arc<Self> {
        let (shop, opening) = (Mutex::new(None), Mutex::new(()));
        Arc::new(Self { runtime: Handle::current(), addresses, shop, opening, behind })
    }

    /// Closes the shop, if it was opened.
    pub async fn stop(&self) {
        let shop = self.shop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((shop, _)) = shop {
            shop.stop().await;
        }
    }

    fn start(&self) -> Result<String, String> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if self.with(|shop| shop.is_some()) {
            return Err("the demo runs already".to_owned());
        }
        let Addresses { grpc: Some(grpc), http: Some(http) } = self.addresses else {
            return Err("the demo needs both receivers: start without --no-grpc and --no-http".to_owned());
        };
        let shop = self
            .runtime
            .block_on(Shop::start(reached(grpc), reached(http)))
            .map_err(|error| format!("the demo could not be started: {error:#}"))?;
        let faults: Arc<Faults> = shop.faults();
        self.with(|held| *held = Some((shop, Switchboard(faults))));
        Ok("the demo's shop has opened: x turns its faults on and off".to_owned())
    }

    fn with<R>(&self, does: impl FnOnce(&mut Option<(Shop, Switchboard)>) -> R) -> R {
        does(&mut self.shop.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What listens on every address is reached by this machine's own.
fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

impl Host for DemoStart {
    fn perform(&self, request: Request) -> Result<String, String> {
        match (request, &self.behind) {
            (Request::Demo, _) => self.start(),
            (request, Some(behind)) => behind.perform(request),
            (_, None) => Err("nothing here can do that".to_owned()),
        }
    }
}

impl Switches for DemoStart {
    fn list(&self) -> Vec<Switch> {
        self.with(|shop| shop.as_ref().map(|(_, board)| board.list()).unwrap_or_default())
    }

    fn toggle(&self, key: char) {
        self.with(|shop| {
            if let Some((_, board)) = shop {
                board.toggle(key);
            }
        });
    }
}
