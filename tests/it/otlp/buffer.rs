//! What requests may take of the memory, one by one and together.

use std::io::Write as _;

use jwtrail::otlp::buffer::{Budget, Buffer, Overflow};

const MIB: usize = 1 << 20;

#[test]
fn requests_together_stay_within_the_budget_and_give_it_back() {
    let budget = Budget::new(4 * MIB);
    let mut held = Vec::new();
    let refused = loop {
        let mut buffer = Buffer::new(&budget, 16 * MIB);
        match buffer.extend(&vec![7; MIB]) {
            Ok(()) => held.push(buffer),
            Err(overflow) => break overflow,
        }
        assert!(budget.used() <= 4 * MIB);
    };
    assert_eq!((refused, held.len()), (Overflow::Busy, 4));
    drop(held);
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_a_prefix_claims_is_not_reserved_before_it_comes() {
    let budget = Budget::new(64 * MIB);
    let mut buffer = Buffer::new(&budget, 16 * MIB);
    buffer.expect(16 * MIB).unwrap();
    assert!(budget.used() <= MIB, "a stranger's word costs little");
    assert_eq!(buffer.expect(16 * MIB + 1), Err(Overflow::TooLarge { limit: 16 * MIB }));
}

#[test]
fn a_buffer_that_grows_keeps_its_bytes_and_its_limit() {
    let mut buffer = Buffer::new(&Budget::new(MIB), 100_000);
    let bytes: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    for chunk in bytes.chunks(77) {
        buffer.write_all(chunk).unwrap();
    }
    assert_eq!(&*buffer, &*bytes);
    assert_eq!(buffer.extend(b"x"), Err(Overflow::TooLarge { limit: 100_000 }));
    buffer.clear();
    assert!(buffer.is_empty() && buffer.extend(b"x").is_ok());
}

#[test]
fn a_buffer_that_is_used_again_begins_empty_and_is_counted() {
    let budget = Budget::new(4 * MIB);
    let mut first = Buffer::new(&budget, 16 * MIB);
    first.extend(&vec![7; MIB / 2]).unwrap();
    drop(first);
    let mut second = Buffer::new(&budget, 16 * MIB);
    assert!(second.is_empty());
    second.extend(&vec![9; MIB / 4]).unwrap();
    assert!(budget.used() >= MIB / 4, "what waits is no room for nothing");
    assert!(second.len() == MIB / 4 && second.iter().all(|byte| *byte == 9));
    drop(second);
    assert_eq!(budget.used(), 0);
}
