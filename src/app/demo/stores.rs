//! The shop's services and how they call each other. Every edge but the first two carries one fault that can be switched.
//!
//! ```text
//! shopper ─ gateway ─┬─ cart ───┬─ pricing      4 reminted
//!                    │          └─ stock        8 stripped, by the proxy in between
//!                    ├─ orders ─┬─ payment      3 wrong key
//!                    │          ├─ shipping     1 dropped
//!                    │          ├─ tracking     5 the service's own token (fetched from auth)
//!                    │          └─ ledger       9 a 401 that travels back up
//!                    ├─ pricing                 2 `Bearer undefined`
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
pub(super) const PAGES: [(Method, &str); 7] = [
    (Method::GET, "/cart"),
    (Method::POST, "/checkout"),
    (Method::GET, "/orders"),
    (Method::POST, "/refunds"),
    (Method::GET, "/prices"),
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
            ("/cart", get(cart_page)),
            ("/checkout", post(checkout)),
            ("/orders", get(orders_page)),
            ("/refunds", post(refunds_page)),
            ("/prices", get(prices_page)),
            ("/parcels", get(parcels_page)),
            ("/rates", get(rates_page)),
        ],
        "cart" => vec![("/cart", get(show_cart))],
        "orders" => {
            vec![("/orders", post(place_order).get(list_orders)), ("/refunds", post(refund))]
        }
        "payment" => vec![("/charges", post(done))],
        "shipping" => vec![("/shipments", post(done)), ("/rates", get(done))],
        "tracking" => vec![("/parcels", get(done)), ("/status", get(order_status))],
        "pricing" => vec![("/quotes", post(done)), ("/prices", get(done))],
        "stock" => vec![("/levels", get(done))],
        "ledger" => vec![("/entries", post(done))],
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

async fn refunds_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    pass_refusal(service.ask(&call, Method::POST, "orders", "/refunds", bearer(&call.accepted.token)).await)
}

/// Fault 2: what a client makes of a variable that nobody set.
async fn prices_page(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let token = if service.faults.is_on('2') { "undefined" } else { &call.accepted.token };
    or_bad_gateway(service.ask(&call, Method::GET, "pricing", "/prices", bearer(token)).await)
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

/// Faults 4 and 8. A cart without stock levels can still be shown.
async fn show_cart(State(service): Shared, Extension(call): Handled) -> StatusCode {
    let Ok(token) = token_for_pricing(&service, &call) else { return StatusCode::INTERNAL_SERVER_ERROR };
    let quotes = service.ask(&call, Method::POST, "pricing", "/quotes", bearer(&token)).await;
    // Stock is only reached through its proxy, which does to the header what it is told to do.
    let _levels = service.ask(&call, Method::GET, "stock-proxy", "/levels", bearer(&call.accepted.token)).await;
    or_bad_gateway(quotes)
}

/// Fault 4: cart holds a signing key, and makes the token anew in place of forwarding it.
fn token_for_pricing(service: &Service, call: &Call) -> anyhow::Result<String> {
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

/// Fault 9 is ledger's; orders passes its refusal on.
async fn refund(State(service): Shared, Extension(call): Handled) -> StatusCode {
    pass_refusal(service.ask(&call, Method::POST, "ledger", "/entries", bearer(&call.accepted.token)).await)
}
