//! A policy with a mistake must say where and what was meant; one without must come through whole.

use std::path::Path;
use std::time::Duration;

use jwtrail::config::{self, ByteSize};
use jwtrail::model::policy::TokenRule;
use jwtrail::model::{KeyPlace, KeySource, Severity};

fn error(text: &str) -> String {
    config::parse(Path::new("jwtrail.toml"), text).unwrap_err().to_string()
}

#[test]
fn a_whole_policy_is_read() {
    let text = r#"
        [options]
        memory = "64MiB"
        jwks = ["more.json"]
        fail-on = "medium"
        http = "127.0.0.1:9318"

        [[issuer]]
        url = "https://id.example"
        jwks = "keys.json"

        [[edge]]
        from = "gateway"
        to = "orders*"
        token = "exchange"

        [limits]
        settle = 5

        [severity]
        moved = "info"

        [[ignore]]
        finding = "long_lived"
        reason = "the test realm"
        until = "2027-01-31"

        [[rejection]]
        reason = "expired"
        text = "ticket too old"
    "#;
    let file = config::parse(Path::new("ci/jwtrail.toml"), text).unwrap();
    assert_eq!(file.policy.edge[0].token, TokenRule::Exchange);
    assert_eq!(file.policy.severity, [("moved".to_owned(), Severity::Info)]);
    let keys = file.key_sources();
    assert_eq!(keys[0].place, KeyPlace::File("ci/keys.json".into()), "paths in a file are relative to it");
    assert_eq!(keys[0].issuer.as_deref(), Some("https://id.example"));
    assert_eq!(keys[1..], [KeySource::file("ci/more.json")]);
    assert_eq!(file.options.memory, Some(ByteSize(64 << 20)));
    assert_eq!(file.options.fail_on, Some(Severity::Medium));
    assert_eq!(file.settle(None), Duration::from_secs(5));
    assert_eq!(file.settle(Some(Duration::from_secs(1))), Duration::from_secs(1));
}

#[test]
fn unknown_words_name_the_nearest_known_one_and_their_place() {
    assert_eq!(error("[[edgee]]\nto = \"a\"\n"), "jwtrail.toml:1:3: unknown key `edgee`: did you mean `edge`?");
    assert_eq!(
        error("[limits]\nsettle = 5\n  clock_scew = 3\n"),
        "jwtrail.toml:3:3: unknown key `clock_scew`: did you mean `clock_skew`?"
    );
    assert_eq!(
        error("[[edge]]\nto = \"a\"\ntoken = \"optinal\"\n"),
        "jwtrail.toml:3:9: unknown value `optinal`: did you mean `optional`?"
    );
    assert_eq!(error("[options]\nmemry = \"1GiB\"\n"), "jwtrail.toml:2:1: unknown key `memry`: did you mean `memory`?");
    assert_eq!(
        error("[severity]\n\"dropt\" = \"high\"\n"),
        "jwtrail.toml:2:11: unknown verdict, cause or finding `dropt`: did you mean `dropped`?"
    );
    assert!(error("zzz = 1\n").contains("unknown key `zzz`: expected one of issuer, edge, capture"));
}

#[test]
fn bad_values_say_what_was_expected_and_where() {
    let glob = error("[[edge]]\nto = \"ok\"\ntoken = \"own\"\n\n[[edge]]\nfrom = \"é[a\"\ntoken = \"own\"\n");
    assert!(glob.starts_with("jwtrail.toml:6:8: expected a glob such as `orders*`"), "{glob}");
    let list = error("[hosts]\ninternal = [\"*.lan\", \"{a\"]\n");
    assert!(list.starts_with("jwtrail.toml:2:22: expected a glob"), "{list}");
    let day = error("[[ignore]]\nfinding = \"moved\"\nreason = \"known\"\nuntil = \"31.12.2026\"\n");
    assert_eq!(day, "jwtrail.toml:4:9: expected a day as \"2026-12-31\", found `31.12.2026`");
    let both = error("[[ignore]]\nreason = \"known\"\n");
    assert!(both.starts_with("jwtrail.toml:1:1: expected `verdict` or `finding`"), "{both}");
    let nothing = error("[[issuer]]\naudiences = [\"a\"]\n");
    assert!(
        nothing.starts_with("jwtrail.toml:1:1: expected `url`, `jwks`, `secret_file` or `secret_env`"),
        "{nothing}"
    );
    let issuer = error("[[issuer]]\nurl = \"id.example\"\n");
    assert!(issuer.contains(":2:7: expected a URL such as https://id.example.com, found `id.example`"), "{issuer}");
    let password = error("[options]\njwks = [\"k.json\", \"https://a:secret@id.example/keys\"]\n");
    assert!(password.contains(":2:19: expected a URL without a user name or password"), "{password}");
    assert!(!password.contains("secret@"), "{password}");
    let size = error("[options]\nmemory = \"lots\"\n");
    assert_eq!(size, "jwtrail.toml:2:10: expected a size such as 256MiB, found `lots`");
    let level = error("[severity]\nmoved = \"worst\"\n");
    assert!(level.contains("expected info, low, medium, high or critical for `moved`, found `worst`"), "{level}");
    let syntax = error("[limits\nsettle = 5\n");
    assert!(syntax.starts_with("jwtrail.toml:1:8: "), "{syntax}");
}

#[test]
fn a_missing_file_is_named() {
    let error = config::read(Path::new("no/such/policy.toml")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the policy no/such/policy.toml"), "{error}");
}

fn inspected(text: &str) -> (Vec<String>, Vec<String>) {
    let found = config::inspect_text(Path::new("jwtrail.toml"), text);
    let texts = |list: &[config::ConfigError]| list.iter().map(ToString::to_string).collect();
    (texts(&found.errors), texts(&found.warnings))
}

#[test]
fn all_mistakes_of_a_file_are_named_at_once_and_in_its_order() {
    let (errors, _) = inspected(
        "zzzz = 1\n\n[[edge]]\nto = \"a\"\ntokn = \"own\"\n\n[[edge]]\nto = \"c\"\ntoken = \"optinal\"\n\
         rout = 3\n\n[limits]\nclock_skew = \"much\"\nsetle = 3\n\n[options]\nmemry = \"1GiB\"\nascii = 4\n\n\
         [[ignore]]\nverdict = \"dropt\"\nreason = \"known\"\n\n[[rejection]]\nreason = \"expird\"\ntext = \"too old\"\n",
    );
    let expected = [
        ("1:1", "unknown key `zzzz`"),
        ("5:1", "did you mean `token`?"),
        ("9:9", "did you mean `optional`?"),
        ("10:1", "did you mean `route`?"),
        ("13:14", "invalid type: string \"much\""),
        ("14:1", "did you mean `settle`?"),
        ("17:1", "did you mean `memory`?"),
        ("18:9", "invalid type: integer `4`"),
        ("21:11", "did you mean `dropped`?"),
        ("25:10", "did you mean `expired`?"),
    ];
    for (place, words) in expected {
        let there = |error: &String| error.starts_with(&format!("jwtrail.toml:{place}: ")) && error.contains(words);
        assert!(errors.iter().any(there), "{place} {words}: {errors:#?}");
    }
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    assert!(!errors.iter().any(|error| error.contains("missing field")), "one mistake, one line: {errors:#?}");
}

#[test]
fn a_row_without_what_it_needs_is_said_once() {
    let (errors, _) = inspected("[[edge]]\nto = \"a\"\n\n[[edge]]\nto = \"b\"\ntoken = \"own\"\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with("jwtrail.toml:1:1: missing field `token`"), "{errors:#?}");
}

#[test]
fn an_edge_behind_one_that_takes_all_its_hops_is_warned_of() {
    let edge = |from: &str, to: &str, route: &str| {
        let route = if route.is_empty() { String::new() } else { format!("route = \"{route}\"\n") };
        format!("[[edge]]\nfrom = \"{from}\"\nto = \"{to}\"\n{route}token = \"own\"\n")
    };
    let warnings = |edges: &[(&str, &str, &str)]| {
        inspected(&edges.iter().map(|(from, to, route)| edge(from, to, route)).collect::<String>()).1
    };
    let hidden = warnings(&[("*", "orders*", ""), ("gateway", "orders-v2", "/x")]);
    assert_eq!(hidden.len(), 1);
    assert!(
        hidden[0].starts_with("jwtrail.toml:5:1: this edge never matches: edge 1 (`*` to `orders*`)"),
        "{hidden:?}"
    );
    assert_eq!(warnings(&[("*", "pay*", ""), ("*", "payment*", "")]).len(), 1);
    assert_eq!(warnings(&[("a", "b", ""), ("a", "b", "")]).len(), 1);
    let fine: &[&[(&str, &str, &str)]] = &[
        &[("gateway", "orders", ""), ("*", "orders", "")],
        &[("*", "orders", "/health"), ("*", "orders", "")],
        &[("*", "orders-?", ""), ("*", "orders*", "")],
        &[("a", "*", ""), ("b", "*", "")],
    ];
    for edges in fine {
        assert_eq!(warnings(edges), Vec::<String>::new(), "{edges:?}");
    }
}
