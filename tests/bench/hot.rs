//! What the hot paths cost, each alone.
//!
//! ```text
//! cargo bench                                   # times, of code as it is released
//! cargo bench --profile quick -- judge          # the same sooner, from a build without link-time optimisation
//! ```
//!
//! What CI holds are instructions of the released program, which no busy machine disturbs: `tests/bench/instructions.sh`.

#![allow(clippy::expect_used, reason = "the input is made by this program: what is wrong with it is a defect here")]

#[path = "../../examples/load/json.rs"]
mod json;
mod paths;
mod screen;
#[path = "../../examples/load/template.rs"]
mod template;

use std::cell::RefCell;

use divan::Bencher;
use divan::counter::ItemsCount;

use paths::{PATHS, Path};

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

fn main() {
    divan::main();
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
