//! The grammar. Blanks may stand between any two pieces, but not within a value without quotes.
//!
//! ```text
//! filter = [ or ]
//! or     = and { "or" and }
//! and    = not { [ "and" ] not }
//! not    = ( "-" | "not" ) not | "(" or ")" | term
//! term   = [ field op ] value { "," value }
//! op     = ":" | "=" | "==" | ":=" | "!=" | ">" | ">=" | "<" | "<=", the last five also behind ":"
//! value  = { character | "*" | "?" | quoted }
//! ```

use winnow::Parser as _;
use winnow::ascii::Caseless;
use winnow::combinator::{alt, eof, opt, peek};
use winnow::error::ParserError;
use winnow::stream::{LocatingSlice, Location as _, Stateful};
use winnow::token::{any, one_of, take_while};

use super::error::{Fault, FilterError, shown};
use super::expr::{Expr, Term};
use super::field::{FIELDS, Field, FieldInfo, Kind};
use super::pattern::{Pattern, is_special};
use super::raw;
use super::value::{Op, Value};

/// Longest filter, in bytes, as typed and as printed.
pub const MAX_LENGTH: usize = 4096;

/// How deep parentheses and negations may nest.
pub const MAX_DEPTH: usize = 64;

/// The text, and how deep it is nested here.
type Input<'a> = Stateful<LocatingSlice<&'a str>, usize>;
type Parsed<T> = Result<T, Fault>;

impl<'a> ParserError<Input<'a>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        let at = input.current_token_start();
        Self::new((at, at), "expected another character here")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Result<Expr, FilterError> {
    if let Some(at) = raw::find(text) {
        return Err(whole_token(&text[..at]));
    }
    let error = |fault| FilterError::new(text, fault);
    if text.len() > MAX_LENGTH {
        let message = format!("expected at most {MAX_LENGTH} bytes, found {}", text.len());
        return Err(error(Fault::new((MAX_LENGTH, MAX_LENGTH), message)));
    }
    let mut input = Stateful { input: LocatingSlice::new(text), state: 0 };
    let expr = whole(&mut input).map_err(error)?;
    let printed = expr.to_string();
    if raw::find(&printed).is_some() {
        // In pieces, so that it is not known where it stands in the text.
        return Err(whole_token(""));
    }
    // What is printed must be readable again.
    let printed = printed.len();
    if printed > MAX_LENGTH {
        let message = format!("expected at most {MAX_LENGTH} bytes, found {printed} where names are written out");
        return Err(error(Fault::new((text.len(), text.len()), message)));
    }
    Ok(expr)
}

/// The error shows what stands before the token, and nothing from there on.
fn whole_token(before: &str) -> FilterError {
    let place = (before.len(), before.len() + '…'.len_utf8());
    let message = "expected a token's short name or the beginning of its fingerprint, found a token itself";
    FilterError::new(&format!("{before}…"), Fault::new(place, message))
}

fn whole(input: &mut Input<'_>) -> Parsed<Expr> {
    blanks(input)?;
    if input.is_empty() {
        return Ok(Expr::All);
    }
    let expr = disjunction(input)?;
    blanks(input)?;
    if input.is_empty() {
        return Ok(expr);
    }
    // A conjunction only ends before the end of text, `or`, or this.
    let at = input.current_token_start();
    Err(Fault::new((at, at + 1), "expected a term, found a `)` that nothing opened"))
}

fn blanks(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

fn disjunction(input: &mut Input<'_>) -> Parsed<Expr> {
    let mut parts = vec![conjunction(input)?];
    while keyword(input, "or")? {
        parts.push(conjunction(input)?);
    }
    Ok(Expr::or(parts))
}

fn conjunction(input: &mut Input<'_>) -> Parsed<Expr> {
    let mut parts = vec![negation(input)?];
    loop {
        let and = keyword(input, "and")?;
        if !and && ends(input)? {
            return Ok(Expr::and(parts));
        }
        parts.push(negation(input)?);
    }
}

/// Takes the keyword, where it stands next as a word of its own.
fn keyword(input: &mut Input<'_>, word: &'static str) -> Parsed<bool> {
    blanks(input)?;
    let end = alt((eof.void(), one_of((char::is_whitespace, '(', ')')).void()));
    Ok(opt((Caseless(word), peek(end))).parse_next(input)?.is_some())
}

/// Whether nothing more stands beside what was read.
fn ends(input: &mut Input<'_>) -> Parsed<bool> {
    blanks(input)?;
    if input.is_empty() || input.starts_with(')') {
        return Ok(true);
    }
    let ahead = *input;
    let or = keyword(input, "or")?;
    *input = ahead;
    Ok(or)
}

fn negation(input: &mut Input<'_>) -> Parsed<Expr> {
    blanks(input)?;
    let at = input.current_token_start();
    let not = opt('-').parse_next(input)?.is_some() || keyword(input, "not")?;
    let open = !not && opt('(').parse_next(input)?.is_some();
    if !not && !open {
        return term(input);
    }
    input.state += 1;
    if input.state > MAX_DEPTH {
        return Err(Fault::new((at, at + 1), format!("expected at most {MAX_DEPTH} levels of `(` and `-`")));
    }
    let expr = if not { Expr::Not(Box::new(negation(input)?)) } else { disjunction(input)? };
    if open {
        blanks(input)?;
        if opt(')').parse_next(input)?.is_none() {
            let end = input.current_token_start();
            return Err(Fault::new((end, end), format!("expected `)` for the `(` at {}, found the end", at + 1)));
        }
    }
    input.state -= 1;
    Ok(expr)
}

/// A character of the name of a field.
pub(super) fn of_name(c: char) -> bool {
    !is_special(c) && !matches!(c, ':' | '=' | '!' | '<' | '>' | '*' | '?')
}

/// What stands between field and value: the comparison, and whether it is denied.
fn operator(input: &mut Input<'_>) -> Parsed<(Op, bool)> {
    let compared = |input: &mut Input<'_>| {
        alt((
            ">=".value((Op::AtLeast, false)),
            "<=".value((Op::AtMost, false)),
            "!=".value((Op::Is, true)),
            "==".value((Op::Is, false)),
            ">".value((Op::More, false)),
            "<".value((Op::Less, false)),
            "=".value((Op::Is, false)),
        ))
        .parse_next(input)
    };
    let colon = (':', opt(compared)).map(|(_, op): (_, Option<(Op, bool)>)| op.unwrap_or((Op::Is, false)));
    alt((colon, compared)).parse_next(input)
}

fn term(input: &mut Input<'_>) -> Parsed<Expr> {
    let start = input.current_token_start();
    for word in ["or", "and"] {
        if keyword(input, word)? {
            let message = format!("expected a term, found `{word}`: quote it to search for it");
            return Err(Fault::new((start, start + word.len()), message));
        }
    }
    let ahead = *input;
    let name = opt((take_while(0.., of_name), blanks, operator)).parse_next(input)?;
    let Some((name, (), (op, denied))) = name else {
        return words(input);
    };
    let span = (start, start + name.len());
    if name.is_empty() {
        let message = format!("expected a field or a word, found {}", found(&ahead));
        return Err(Fault::new((start, start + 1), message));
    }
    let Some(field) = Field::from_name(name) else {
        let known = FIELDS.iter().flat_map(|row| [row.name].into_iter().chain(row.aliases.iter().copied()));
        let mut fault = Fault::unknown(span, "field", name, known);
        if fault.nearest.is_none() {
            fault.message = format!("unknown field `{}`: quote the text to search for it in names", shown(name));
        }
        return Err(fault);
    };
    blanks(input)?;
    let values = values(input, field.info(), op)?;
    let term = Expr::Term(Term { field, op, values });
    Ok(if denied { Expr::Not(Box::new(term)) } else { term })
}

fn values(input: &mut Input<'_>, row: &FieldInfo, op: Op) -> Parsed<Vec<Value>> {
    let mut values = Vec::new();
    loop {
        blanks(input)?;
        let (pattern, span) = value(input, row.name)?;
        let value = Value::read(row, pattern, span)?;
        if op != Op::Is {
            let what = |what: &str| Fault::new(span, format!("`{}{}` {what}", row.name, op.text()));
            if !row.ordered() {
                let other = if matches!(row.kind, Kind::Time) { "use `since:` or `until:`" } else { "use `:`" };
                return Err(what(&format!(
                    "has no order: {other}, and quote a value that begins with `{}`",
                    op.text()
                )));
            }
            if !matches!(value, Value::Number(..) | Value::Nth(_)) {
                return Err(what("expects a value without wildcards"));
            }
            if !values.is_empty() {
                return Err(what("expects one value, found several"));
            }
        }
        values.push(value);
        if !comma(input)? {
            return Ok(values);
        }
    }
}

/// Takes a comma, blanks before it included.
fn comma(input: &mut Input<'_>) -> Parsed<bool> {
    Ok(opt((blanks, ',')).parse_next(input)?.is_some())
}

/// Words without a field: names that hold one of them.
fn words(input: &mut Input<'_>) -> Parsed<Expr> {
    let mut values = Vec::new();
    loop {
        blanks(input)?;
        let (pattern, span) = value(input, "")?;
        values.push(Value::read(Field::Name.info(), pattern.anywhere(), span)?);
        if !comma(input)? {
            return Ok(Expr::Term(Term { field: Field::Name, op: Op::Is, values }));
        }
    }
}

/// One value, and where it stands.
fn value(input: &mut Input<'_>, field: &str) -> Parsed<(Pattern, (usize, usize))> {
    let start = input.current_token_start();
    let mut pattern = Pattern::default();
    let mut quotes = false;
    while let Some(c) = opt(peek(any)).parse_next(input)? {
        match c {
            '"' => {
                quoted(input, &mut pattern)?;
                quotes = true;
                continue;
            }
            '*' => pattern.push_many(),
            '?' => pattern.push_one(),
            c if is_special(c) => break,
            c => pattern.push(c),
        }
        any.void().parse_next(input)?;
    }
    let end = input.current_token_start();
    if start == end && !quotes {
        let wanted = if field.is_empty() { "a field or a word".to_owned() } else { format!("a value of `{field}`") };
        let rest = **input;
        let length = rest.chars().next().map_or(0, char::len_utf8);
        return Err(Fault::new((start, start + length), format!("expected {wanted}, found {}", found(&rest))));
    }
    Ok((pattern, (start, end)))
}

/// What comes next, for people.
fn found(rest: &str) -> String {
    match rest.chars().next() {
        None => "the end".to_owned(),
        Some(c) if c.is_control() => "a control character".to_owned(),
        Some(c) => format!("`{c}`"),
    }
}

/// A text in quotes, which stands for itself; `\"`, `\\`, `\n`, `\r`, `\t` and `\u{…}` are escapes.
fn quoted(input: &mut Input<'_>, pattern: &mut Pattern) -> Parsed<()> {
    let open = input.current_token_start();
    any.void().parse_next(input)?;
    loop {
        let at = input.current_token_start();
        match opt(any).parse_next(input)? {
            None => return Err(Fault::new((open, at), "expected a closing quote, found the end")),
            Some('"') => return Ok(()),
            Some('\\') => {
                let c = escape(input)?.ok_or_else(|| {
                    let end = input.current_token_start();
                    Fault::new((at, end), "expected one of the escapes \\\" \\\\ \\n \\r \\t \\u{…}, found another")
                })?;
                pattern.push(c);
            }
            Some(c) => pattern.push(c),
        }
    }
}

/// What stands behind a backslash; `None` for what is no escape.
fn escape(input: &mut Input<'_>) -> Parsed<Option<char>> {
    let code = ('u', '{', take_while(1..=6, |c: char| c.is_ascii_hexdigit()), '}');
    if let Some((_, _, digits, _)) = opt(code).parse_next(input)? {
        return Ok(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
    }
    Ok(match opt(any).parse_next(input)? {
        Some(c @ ('"' | '\\')) => Some(c),
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        _ => None,
    })
}
