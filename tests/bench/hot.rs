//! What the hot paths cost, each alone.
//!
//! ```text
//! cargo bench                                   # times, of code as it is released
//! cargo bench --profile quick -- judge          # the same sooner, from a build without link-time optimisation
//! tests/bench/instructions.sh                   # instructions, which no busy machine disturbs; what CI holds
//! ```
//!
//! With `--count PATH` it runs one path a fixed number of times, for an instrument to watch, and prints how many items
//! that were.

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]
#![allow(clippy::expect_used, reason = "the input is made by this program: what is wrong with it is a defect here")]

#[path = "../../examples/load/json.rs"]
mod json;
mod paths;
mod screen;
#[path = "../../examples/load/template.rs"]
mod template;

use std::cell::RefCell;

use anyhow::Context as _;
use divan::Bencher;
use divan::counter::ItemsCount;

use paths::{PATHS, Path, Work};

/// The program's own allocator, for the figures to be the program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What generated spans say of their token.
#[derive(Clone, Copy)]
enum Mode {
    Tags,
    Jwt,
    #[allow(dead_code, reason = "the template knows it, and no path here needs it")]
    None,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--paths"] => PATHS.iter().for_each(|path| println!("{}", path.name)),
        ["--count", name] => {
            let path = PATHS.iter().find(|path| path.name == name);
            count(path.with_context(|| format!("no path {name}: --paths lists them"))?)?;
        }
        _ => divan::main(),
    }
    Ok(())
}

#[divan::bench(args = PATHS)]
fn hot(bencher: Bencher, path: &Path) {
    let work = (path.make)().expect("a path");
    let work = RefCell::new(work);
    for _ in 0..path.warm_up {
        work.borrow_mut().prepare();
        work.borrow_mut().run();
    }
    bencher
        .counter(ItemsCount::new(path.items))
        .with_inputs(|| work.borrow_mut().prepare())
        .bench_local_values(|()| work.borrow_mut().run());
}

/// Rounds that an instrument watches.
const ROUNDS: usize = 10;

fn count(path: &Path) -> anyhow::Result<()> {
    let mut work = (path.make)()?;
    for _ in 0..path.warm_up {
        work.prepare();
        work.run();
    }
    for _ in 0..ROUNDS {
        work.prepare();
    }
    watched_rounds(&mut *work);
    println!("{}", path.items * ROUNDS);
    Ok(())
}

/// The function that an instrument is told to watch: all of the path and nothing else, so it may not be inlined.
#[inline(never)]
fn watched_rounds(work: &mut dyn Work) {
    for _ in 0..ROUNDS {
        work.run();
    }
}
