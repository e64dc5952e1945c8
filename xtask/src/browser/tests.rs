//! What is planted is found.

use super::*;

/// What is found in a site of one page, `body` being its `<body>`, and of
/// `others`.
fn errors_with(name: &str, body: &str, others: &[(&str, String)]) -> Option<Vec<String>> {
    let Some(chromium) = find() else {
        skip("no Chromium").unwrap();
        return None;
    };
    let folder = env::temp_dir().join(format!("microps-site-{}-{name}", std::process::id()));
    fs::create_dir_all(folder.join("time_machine")).unwrap();
    let html = format!(
        "<!doctype html><html><head></head><body style='margin:0'><main>{body}</main></body></html>"
    );
    fs::write(folder.join("a.html"), html).unwrap();
    for (path, text) in others {
        fs::write(folder.join(path), text).unwrap();
    }
    let plan = Plan {
        pages: pages(&folder).unwrap(),
        search: body.contains("mdbook-searchbar").then_some("a.html"),
        machine: body.contains("id=\"machine\"").then_some("a.html"),
    };
    let found = look(&chromium, &folder, &plan);
    fs::remove_dir_all(&folder).unwrap();
    Some(found.unwrap().0.errors)
}

fn errors(name: &str, body: &str) -> Option<Vec<String>> {
    errors_with(name, body, &[])
}

/// Asserts that exactly one thing is wrong, and what.
fn assert_wrong(name: &str, body: &str, what: &str) {
    if let Some(errors) = errors(name, body) {
        let found = errors.iter().all(|error| error.contains(what));
        assert!(found && !errors.is_empty(), "{what}: {errors:?}");
    }
}

#[test]
fn a_page_that_is_fine() {
    let body = "<h1>A</h1><div style='overflow-x:auto'><pre>".to_owned()
        + &"long ".repeat(99)
        + "</pre></div><img alt='dot' src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>";
    if let Some(errors) = errors("fine", &body) {
        assert_eq!(errors, [""; 0]);
    }
}

#[test]
fn what_is_planted_is_found() {
    let wide = "<p style='width:400px'>A</p>";
    assert_wrong(
        "wide",
        wide,
        "a.html: is wider than 360: <p class=\"\"> 'A'",
    );
    let picture = "<img alt='no' src='no.png'>";
    if let Some(errors) = errors("picture", picture) {
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert_eq!(errors[0], "a.html: a picture does not load: no.png");
    }
    let mute = "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>";
    assert_wrong("nameless", mute, "a.html: a picture without a text: data:");
    let script = "<script>undefined.x;</script>";
    assert_wrong("script", script, "a script fails: Uncaught TypeError");
    let listing = "<pre><code class='language-rust'>    let a;\n      let b;\n</code></pre>";
    assert_wrong("listing", listing, "a.html: a listing is indented: <code");
    let grey = "<p style='color:#999;background:#fff'>A</p>";
    assert_wrong("grey", grey, "a contrast of 2.8: <p class=\"\"> 'A'");
    let dark = "<style>.navy p { color: #333; background: #222 }</style><p>A</p>";
    assert_wrong("navy", dark, "in theme navy, a contrast of 1.3: <p");
}

#[test]
fn a_search_that_finds_nothing() {
    let search = "<button id='mdbook-search-toggle'></button><input id='mdbook-searchbar'>\
        <div id='mdbook-searchresults'></div>";
    let what = "the search does not find 'retransmission'";
    assert_wrong("search", search, what);
    let finds = "<script>document.getElementById('mdbook-searchbar').oninput = () => {\
        document.getElementById('mdbook-searchresults').innerHTML = '<a>A</a>'; };</script>";
    if let Some(errors) = errors("found", &format!("{search}{finds}")) {
        assert_eq!(errors, [""; 0]);
    }
}

/// What is found in the time machine, after `old` in its script or style has
/// become `new`.
fn machine_errors(name: &str, old: &str, new: &str) -> Option<Vec<String>> {
    let source = crate::root().join("book/src");
    let read = |path: &str| fs::read_to_string(source.join(path)).unwrap();
    let page = read("time_machine.md");
    let (_, body) = page.split_once("<link").unwrap();
    let (body, _) = body.rsplit_once("</script>").unwrap();
    let picture = read("time_machine/ladder.svg");
    let body = body.replace("{{#include time_machine/ladder.svg}}", &picture);
    let (script, style) = (
        read("time_machine/machine.js"),
        read("time_machine/machine.css"),
    );
    assert!(script.contains(old) || style.contains(old), "{old}");
    let files = [
        ("time_machine/machine.js", script.replace(old, new)),
        ("time_machine/machine.css", style.replace(old, new)),
        ("time_machine/data.js", read("time_machine/data.js")),
    ];
    errors_with(name, &format!("<link{body}</script>"), &files)
}

#[test]
fn a_time_machine_that_does_not_move() {
    if let Some(errors) = machine_errors("machine", "", "") {
        assert_eq!(errors, [""; 0]);
    }
    for (name, old, new, what) in [
        (
            "stuck",
            "goTo(now + 1)",
            "goTo(now)",
            "shows the line 0 instead of 1",
        ),
        (
            "dark",
            "lit && \"tm-lit\"))",
            "\"\"))",
            "lights up no log or source",
        ),
        (
            "link",
            "location.hash.match",
            "\"\".match",
            "a link to a frame",
        ),
        (
            "mute",
            ".tm-ladder svg { display: block;",
            ".tm-ladder svg { display: none;",
            "without scripts, there is no picture",
        ),
        (
            "toys",
            ".tm-controls { display: none; }",
            "",
            "without scripts, there are controls",
        ),
        (
            "cut",
            "max-height: none; overflow: visible;",
            "",
            "on paper, the picture is cut",
        ),
        (
            "paper",
            ".tm-on .tm-controls, .tm-live {",
            ".tm-live {",
            "on paper, there are controls",
        ),
    ] {
        if let Some(errors) = machine_errors(name, old, new) {
            let found = errors.iter().any(|error| error.contains(what));
            assert!(found, "{name}: {errors:?}");
        }
    }
}

#[test]
fn a_browser_that_ends_at_once() {
    let folder = crate::root().join("xtask/src");
    let plan = Plan {
        pages: Vec::new(),
        search: None,
        machine: None,
    };
    let error = look(Path::new("/bin/false"), &folder, &plan).unwrap_err();
    assert!(error.to_string().contains("has ended with exit status: 1"));
}

#[test]
fn what_the_page_reports() {
    let (findings, summary) = judge("error a: b\n  more\ndone: 2 pages").unwrap();
    assert_eq!(
        (findings.errors, summary.as_str()),
        (vec!["a: b".to_owned()], "2 pages")
    );
    assert!(judge("").is_err());
    assert_eq!(judge("error x").unwrap().1, "not at the end");
}

#[test]
fn a_plan() {
    let plan = Plan {
        pages: vec!["a.html".to_owned(), "b.html".to_owned()],
        search: Some("a.html"),
        machine: None,
    };
    let expected = "{\"pages\":[\"a.html\",\"b.html\"],\"search\":\"a.html\",\"machine\":null}";
    assert_eq!(plan.json(), expected);
}
