//! The traffic: people who log in and go through the pages, in an order that a seed decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::header;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::auth::User;
use super::keys::LIFETIME;
use super::service::Addresses;
use super::stores::PAGES;

/// What a browser says of itself.
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Everyone who is in the shop.
pub(super) struct Shoppers {
    pub(super) http: reqwest::Client,
    pub(super) addresses: Addresses,
    pub(super) users: Arc<Vec<User>>,
    pub(super) requests: Arc<AtomicU64>,
    order: Order,
    /// By user: the token, and the second of the epoch from which on another is fetched.
    sessions: Vec<Option<(String, u64)>>,
}

impl Shoppers {
    /// Shoppers who have not come in yet.
    pub(super) fn new(
        http: reqwest::Client,
        addresses: Addresses,
        users: Arc<Vec<User>>,
        requests: Arc<AtomicU64>,
        seed: u64,
    ) -> Self {
        let sessions = users.iter().map(|_| None).collect();
        Self { http, addresses, users, requests, order: Order::new(seed), sessions }
    }

    /// One page every `pace`, until told to stop. Every page comes once before any comes again.
    pub(super) async fn shop(mut self, pace: Duration, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval(pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (round, page) = self.order.next_page();
            // Over the rounds, every user comes to every page.
            let user = (round + page) % self.users.len();
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.changed() => return,
            }
            if self.visit(user, page).await.is_err() {
                tracing::debug!(page, "a demo shopper got no answer");
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn visit(&mut self, user: usize, page: usize) -> anyhow::Result<()> {
        let token = self.token(user).await?;
        let (method, path) = &PAGES[page];
        self.http
            .request(method.clone(), self.addresses.url("gateway", path))
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .send()
            .await?;
        Ok(())
    }

    /// Logs in where there is no session, or where it is about to end.
    async fn token(&mut self, user: usize) -> anyhow::Result<String> {
        let now = jsonwebtoken::get_current_timestamp();
        if let Some((token, until)) = &self.sessions[user]
            && now < *until
        {
            return Ok(token.clone());
        }
        let request = self
            .http
            .post(self.addresses.url("auth", "/oauth/token"))
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.users[user].login());
        let answer: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
        let token = answer["access_token"].as_str().unwrap_or_default().to_owned();
        self.sessions[user] = Some((token.clone(), now + LIFETIME / 2));
        Ok(token)
    }
}

/// Pages in shuffled rounds: xorshift64 over a seed.
struct Order {
    state: u64,
    rounds: usize,
    left: Vec<usize>,
}

impl Order {
    fn new(seed: u64) -> Self {
        // Xorshift stays at zero for ever if it starts there.
        Self { state: seed | 1, rounds: 0, left: Vec::new() }
    }

    /// The number of the round, and the page.
    fn next_page(&mut self) -> (usize, usize) {
        if self.left.is_empty() {
            self.rounds += 1;
            self.left = (0..PAGES.len()).collect();
            for last in (1..self.left.len()).rev() {
                let other = self.random() as usize % (last + 1);
                self.left.swap(last, other);
            }
        }
        (self.rounds - 1, self.left.pop().unwrap_or_default())
    }

    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_order_and_no_page_is_left_out() {
        let pages = |seed| {
            let mut order = Order::new(seed);
            (0..PAGES.len() * 3).map(|_| order.next_page().1).collect::<Vec<_>>()
        };
        assert_eq!(pages(7), pages(7));
        assert_ne!(pages(7), pages(8));
        for round in pages(7).chunks(PAGES.len()) {
            let mut sorted = round.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..PAGES.len()).collect::<Vec<_>>());
        }
    }
}
