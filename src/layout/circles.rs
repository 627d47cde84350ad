//! Breaking circles: `dagre` 0.1 gives up on some of them.

use super::Link;

/// The same links, those that close a circle turned around, and which these are. Without recursion: a chain may be long.
pub(super) fn broken(count: usize, links: &[Link]) -> (Vec<Link>, Vec<bool>) {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, link) in links.iter().enumerate() {
        out[link.from].push(at);
    }
    let (mut turned, mut state) = (vec![false; links.len()], vec![State::New; count]);
    // From those that nobody calls, so that a request's way in is not what is turned.
    let mut called = vec![false; count];
    for link in links {
        called[link.to] = true;
    }
    let starts = (0..count).filter(|&at| !called[at]).chain((0..count).filter(|&at| called[at]));
    for start in starts {
        let mut path = if state[start] == State::New { vec![(start, 0)] } else { continue };
        while let Some((node, next)) = path.last_mut() {
            state[*node] = State::Open;
            let Some(&link) = out[*node].get(*next) else {
                state[*node] = State::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let to = links[link].to;
            match state[to] {
                State::Open => turned[link] = true,
                State::New => path.push((to, 0)),
                State::Done => {}
            }
        }
    }
    let straight = |(link, turned): (&Link, &bool)| match turned {
        true => Link { from: link.to, to: link.from, ..*link },
        false => *link,
    };
    (links.iter().zip(&turned).map(straight).collect(), turned)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}
