//! The signs of lines: one cell with arms in some directions, some of them heavy.

use crate::tui::graph::{DOWN, LEFT, RIGHT, UP};

const FLAT: u8 = LEFT | RIGHT;
const UPRIGHT: u8 = UP | DOWN;

/// The sign of a cell from which a line goes in the directions of `arms`; those of `heavy` belong to the selected line,
/// so that it is seen where it turns and where others only leave it.
pub(super) const fn sign(arms: u8, heavy: u8, ascii: bool) -> &'static str {
    if ascii {
        return match (arms, heavy) {
            (FLAT | LEFT | RIGHT, 0) => "-",
            (FLAT | LEFT | RIGHT, _) => "=",
            (UPRIGHT | UP | DOWN, 0) => "|",
            (UPRIGHT | UP | DOWN, _) => "H",
            _ => "+",
        };
    }
    if heavy == 0 { light(arms) } else { mixed(arms, heavy) }
}

const fn light(arms: u8) -> &'static str {
    match arms {
        FLAT | LEFT | RIGHT => "─",
        UPRIGHT | UP | DOWN => "│",
        a if a == DOWN | RIGHT => "┌",
        a if a == DOWN | LEFT => "┐",
        a if a == UP | RIGHT => "└",
        a if a == UP | LEFT => "┘",
        a if a == FLAT | DOWN => "┬",
        a if a == FLAT | UP => "┴",
        a if a == UPRIGHT | RIGHT => "├",
        a if a == UPRIGHT | LEFT => "┤",
        _ => "┼",
    }
}

/// One line goes through a cell by two arms: those are heavy, and what leaves it there is not.
const fn mixed(arms: u8, heavy: u8) -> &'static str {
    const UP_LEFT: u8 = UP | LEFT;
    const UP_RIGHT: u8 = UP | RIGHT;
    const DOWN_LEFT: u8 = DOWN | LEFT;
    const DOWN_RIGHT: u8 = DOWN | RIGHT;
    const TEE_DOWN: u8 = FLAT | DOWN;
    const TEE_UP: u8 = FLAT | UP;
    const TEE_RIGHT: u8 = UPRIGHT | RIGHT;
    const TEE_LEFT: u8 = UPRIGHT | LEFT;
    match (arms, heavy) {
        (FLAT | LEFT | RIGHT, _) => "━",
        (UPRIGHT | UP | DOWN, _) => "┃",
        (DOWN_RIGHT, _) => "┏",
        (DOWN_LEFT, _) => "┓",
        (UP_RIGHT, _) => "┗",
        (UP_LEFT, _) => "┛",
        (TEE_DOWN, FLAT) => "┯",
        (TEE_DOWN, DOWN_LEFT) => "┱",
        (TEE_DOWN, DOWN_RIGHT) => "┲",
        (TEE_DOWN, _) => "┳",
        (TEE_UP, FLAT) => "┷",
        (TEE_UP, UP_LEFT) => "┹",
        (TEE_UP, UP_RIGHT) => "┺",
        (TEE_UP, _) => "┻",
        (TEE_RIGHT, UPRIGHT) => "┠",
        (TEE_RIGHT, UP_RIGHT) => "┡",
        (TEE_RIGHT, DOWN_RIGHT) => "┢",
        (TEE_RIGHT, _) => "┣",
        (TEE_LEFT, UPRIGHT) => "┨",
        (TEE_LEFT, UP_LEFT) => "┩",
        (TEE_LEFT, DOWN_LEFT) => "┪",
        (TEE_LEFT, _) => "┫",
        (_, FLAT) => "┿",
        (_, UPRIGHT) => "╂",
        (_, UP_LEFT) => "╃",
        (_, UP_RIGHT) => "╄",
        (_, DOWN_LEFT) => "╅",
        (_, DOWN_RIGHT) => "╆",
        _ => "╋",
    }
}
