//! The demo, started from the live screen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use jwtrail::app::demo_start::DemoStart;
use jwtrail::otlp::Addresses;
use jwtrail::tui::Switches;
use jwtrail::tui::effect::{Host, Request};

/// A host that says what it was asked.
struct Behind;

impl Host for Behind {
    fn perform(&self, request: Request) -> Result<String, String> {
        Ok(format!("{request:?}"))
    }
}

/// Asks as the screen does: from a thread of its own.
async fn ask(demo: &Arc<DemoStart>, request: Request) -> Result<String, String> {
    let demo = Arc::clone(demo);
    tokio::task::spawn_blocking(move || demo.perform(request)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_needs_both_receivers_and_leaves_other_requests_alone() {
    let grpc = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 4317)));
    let demo = DemoStart::new(Addresses { grpc, http: None }, None);
    let refused = ask(&demo, Request::Demo).await.unwrap_err();
    assert!(refused.contains("needs both receivers"), "{refused}");
    assert!(demo.list().is_empty(), "no shop, no faults");
    assert!(ask(&demo, Request::SaveReport).await.is_err());
    let demo = DemoStart::new(Addresses { grpc, http: None }, Some(Arc::new(Behind)));
    assert_eq!(ask(&demo, Request::SaveReport).await.as_deref(), Ok("SaveReport"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_opens_once_and_its_faults_are_switches() {
    // Nobody listens there: what is exported is lost, which is nothing to the shop.
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let demo = DemoStart::new(Addresses { grpc: Some(free()), http: Some(free()) }, None);
    let said = ask(&demo, Request::Demo).await.unwrap();
    assert!(said.contains("x turns its faults"), "{said}");
    let on = |demo: &DemoStart| demo.list().iter().filter(|switch| switch.on).count();
    assert_eq!((demo.list().len(), on(&demo)), (9, 9));
    demo.toggle('3');
    assert_eq!(on(&demo), 8);
    assert_eq!(ask(&demo, Request::Demo).await, Err("the demo runs already".to_owned()));
    demo.stop().await;
    assert!(demo.list().is_empty());
}
