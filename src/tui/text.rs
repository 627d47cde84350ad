//! Text and numbers as views write them.

pub use crate::model::text::Safe;

/// Number with a comma at each thousand: `1,284`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share of a number in so many columns: `42 of 90`; where that does not fit, rounded down: `1.2M/12M`.
pub fn share(part: u64, of: u64, room: usize) -> String {
    let exact = format!("{} of {}", count(part), count(of));
    if exact.len() <= room { exact } else { format!("{}/{}", short(part), short(of)) }
}

fn short(number: u64) -> String {
    let (unit, sign) = match number {
        0..1_000 => return number.to_string(),
        1_000..1_000_000 => (1_000, 'k'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'G'),
    };
    match number / unit {
        whole @ 0..10 => format!("{whole}.{}{sign}", number % unit * 10 / unit),
        whole => format!("{}{sign}", count(whole)),
    }
}

/// A number of things: `1 trace`, `1,284 traces`.
pub fn things(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A stretch of time for people, in its one largest unit: `3 s`, `12 m`, `5 h`, `2 d`.
pub fn stretch(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} m", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long something took, in its one largest unit: `212 ms`, `1.2 s`, `950 µs`.
pub fn duration(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", nanos / 1_000_000),
        1_000_000_000..60_000_000_000 => format!("{:.1} s", nanos as f64 / 1e9),
        _ => stretch(nanos / 1_000_000_000),
    }
}

/// Bytes in MiB, as the header shows memory.
pub fn mebibytes(bytes: usize) -> usize {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([count(0), count(999), count(1_284), count(12_345_678)], ["0", "999", "1,284", "12,345,678"]);
        assert_eq!([stretch(3), stretch(75), stretch(7_200), stretch(200_000)], ["3 s", "1 m", "2 h", "2 d"]);
    }
}
