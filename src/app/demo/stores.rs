//! The shop's services and how they call each other. Every edge but the first two carries one fault that can be switched.
//!
//! ```text
//! shopper ─ gateway ─┬─ cart ───┬─ tracking     4 reminted
//!                    │          └─ stock        9 a 401 that travels back up
//!                    ├─ orders ─┬─ payment      3 wrong key
//!                    │          ├─ shipping     1 dropped
//!                    │          ├─ tracking     5 the service's own token (fetched from auth)
//!                    │          └─ stock        8 stripped, by the proxy in between
//!                    ├─ stock                   2 `Bearer undefined`
//!                    ├─ tracking                6 tampered
//!                    └─ shipping                7 moved to another header
//! ```

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router, middleware};
use opentelemetry_sdk::trace::SdkTracer;

use super::keys::tampered;
use super::service::{Call, Service, authenticate, bearer};
use super::trace;
use super::verify::{Refusal, X_AUTH_TOKEN};

type Shared = State<Arc<Service>>;
type Handled = Extension<Call>;

/// What the shopper asks the gateway for.
pub(super) const PAGES: [(Method, &str); 8] = [
    (Method::GET, "/cart"),
    (Method::POST, "/checkout"),
    (Method::GET, "/orders"),
    (Method::POST, "/returns"),
    (Method::POST, "/cart"),
    (Method::GET, "/articles"),
    (Method::GET, "/parcels"),
    (Method::GET, "/rates"),
];

/// The routes of one service, behind its token check and its server instrumentation.
pub(super) fn router(service: Arc<Service>, server: SdkTracer) -> Router {
    let mut router = Router::new();
    for (path, handler) in routes(service.name) {
        router = router.route(path, handler);
    }
    router
        .layer(middleware::from_fn_with_state(Arc::clone(&service), authenticate))
        .layer(middleware::from_fn_with_state(server, trace::serve))
        .with_state(service)
}

fn routes(service: &str) -> Vec<(&'static str, MethodRouter<Arc<Service>>)> {
    match service {
        "gateway" => vec![
            ("/cart", get(cart_page).post(put_in_cart)),
            ("/checkout", post(checkout)),
            ("/orders", get(orders_page)),
            ("/returns", post(returns_page)),
            ("/articles", get(articles_page)),
            ("/parcels", get(parcels_page)),
            ("/rates", get(rates_page)),
        ],
        "cart" => vec![("/cart", get(show_cart)), ("/items", post(add_item))],
        "orders" => vec![("/orders", post(place_order).get(list_orders)), ("/returns", post(take_back))],
        "payment" => vec![("/charges", post(done))],
        "shipping" => vec![("/shipments", post(done)), ("/rates", get(done))],
        "tracking" => vec![("/parcels", get(done)), ("/estimates", get(done)), ("/status", get(order_status))],
        "stock" => vec![("/articles", get(done)), ("/levels", post(done)), ("/reservations", post(done))],
        _ => Vec::new(),
    }
}

/// A callee that does not help is the server's failure, not the shopper's.
fn or_bad_gateway(status: StatusCode) -> StatusCode {
    if status.is_success() { StatusCode::OK } else { StatusCode::BAD_GATEWAY }
}

/// Passes a refusal on to whoever asked, as many services do.
fn pass_refusal(status: StatusCode) -> StatusCode {
    if status == StatusCode::UNAUTHORIZED { status } else { or_bad_gateway(status) }
}

// Services at the end of the line: the token check has said all.

async fn done() -> StatusCode {
    StatusCode::OK
}

/// The parcels of a person: a service's own token has none.
async fn order_status(Extension(call): Handled) -> Response {
    let claims = &call.accepted.claims;
    if claims["sub"] == claims["client_id"] {
        Refusal::Forbidden.into_response()
    } else {
        StatusCode::OK.into_response()
    }
}

// Gateway.

async fn cart_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    or_bad_gateway(service.ask(&call, Method::GET, "cart", "/cart", bearer(&call.accepted.token)).await)
}

async fn checkout(State(service): Shared, Extension(call): Handled) -> StatusCode {
    or_bad_gateway(service.ask(&call, Method::POST, "orders", "/orders", bearer(&call.accepted.token)).await)
}

async fn orders_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    or_bad_gateway(service.ask(&call, Method::GET, "orders", "/orders", bearer(&call.accepted.token)).await)
}

async fn returns_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    or_bad_gateway(service.ask(&call, Method::POST, "orders", "/returns", bearer(&call.accepted.token)).await)
}

async fn put_in_cart(State(service): Shared, Extension(call): Handled) -> StatusCode {
    pass_refusal(service.ask(&call, Method::POST, "cart", "/items", bearer(&call.accepted.token)).await)
}

/// Fault 2: what a client makes of a variable that nobody set.
async fn articles_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let token = if service.faults.is_on('2') { "undefined" } else { &call.accepted.token };
    or_bad_gateway(service.ask(&call, Method::GET, "stock", "/articles", bearer(token)).await)
}

/// Fault 6: a gateway that writes a claim of its own into a token that it cannot sign.
async fn parcels_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let token =
        if service.faults.is_on('6') { tampered(&call.accepted.token) } else { Ok(call.accepted.token.clone()) };
    let Ok(token) = token else { return StatusCode::INTERNAL_SERVER_ERROR };
    or_bad_gateway(service.ask(&call, Method::GET, "tracking", "/parcels", bearer(&token)).await)
}

/// Fault 7: the same token in a header that only shipping reads.
async fn rates_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let token = &call.accepted.token;
    let credential = if service.faults.is_on('7') { (X_AUTH_TOKEN, token.clone()) } else { bearer(token) };
    or_bad_gateway(service.ask(&call, Method::GET, "shipping", "/rates", credential).await)
}

// Cart.

/// Fault 4. A cart is shown with when it could arrive.
async fn show_cart(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let Ok(token) = token_for_tracking(&service, &call) else { return StatusCode::INTERNAL_SERVER_ERROR };
    or_bad_gateway(service.ask(&call, Method::GET, "tracking", "/estimates", bearer(&token)).await)
}

/// Fault 9 is stock's; cart passes its refusal on.
async fn add_item(State(service): Shared, Extension(call): Handled) -> StatusCode {
    pass_refusal(service.ask(&call, Method::POST, "stock", "/reservations", bearer(&call.accepted.token)).await)
}

/// Fault 4: cart holds a signing key, and makes the token anew in place of forwarding it.
fn token_for_tracking(service: &Service, call: &Call) -> anyhow::Result<String> {
    match &service.signing {
        Some(key) if service.faults.is_on('4') => key.sign(call.accepted.claims.clone()),
        _ => Ok(call.accepted.token.clone()),
    }
}

// Orders.

/// Faults 1 and 3: two calls at once, and one of them forgets the header. Parcels can be sent later, money is needed now.
async fn place_order(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let token = bearer(&call.accepted.token);
    let for_shipping = (!service.faults.is_on('1')).then(|| token.clone());
    let (paid, _shipped) = tokio::join!(
        service.ask(&call, Method::POST, "payment", "/charges", token),
        service.ask(&call, Method::POST, "shipping", "/shipments", for_shipping),
    );
    or_bad_gateway(paid)
}

/// Fault 5: orders asks auth for a token of its own. The list is shown without the parcels' whereabouts.
async fn list_orders(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let token =
        if service.faults.is_on('5') { own_token(&service, &call).await } else { Some(call.accepted.token.clone()) };
    let Some(token) = token else { return StatusCode::BAD_GATEWAY };
    let _status = service.ask(&call, Method::GET, "tracking", "/status", bearer(&token)).await;
    StatusCode::OK
}

/// The client credentials grant (RFC 6749, section 4.4).
async fn own_token(service: &Service, call: &Call) -> Option<String> {
    let request = service
        .http
        .post(service.addresses.url("auth", "/oauth/token"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("grant_type=client_credentials&client_id=orders&client_secret={}", service.secret));
    let answer: serde_json::Value = service.send(&call.cx, request).await.ok()?.json().await.ok()?;
    Some(answer["access_token"].as_str()?.to_owned())
}

/// Fault 8: orders reaches stock through a proxy, which does to the header what it is told to do.
async fn take_back(State(service): Shared, Extension(call): Handled) -> StatusCode {
    // What comes back is taken even where stock cannot be told yet.
    let _told = service.ask(&call, Method::POST, "stock-proxy", "/levels", bearer(&call.accepted.token)).await;
    StatusCode::OK
}
