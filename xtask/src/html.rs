//! Every link, and every fragment of a link, in the built book leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::book::{Findings, resolve};

/// The built book: its files, and the text of those that are HTML.
pub type Site = BTreeMap<String, Option<String>>;

/// Reads a built book.
pub fn read(folder: &Path) -> Result<Site> {
    let mut site = Site::new();
    collect(folder, "", &mut site)?;
    Ok(site)
}

fn collect(folder: &Path, prefix: &str, site: &mut Site) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()));
    for entry in entries? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), site)?;
        } else if name.ends_with(".html") {
            let text = fs::read(&path)?;
            site.insert(name, Some(String::from_utf8_lossy(&text).into_owned()));
        } else {
            site.insert(name, None);
        }
    }
    Ok(())
}

/// The values of an attribute in a page, in their order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let mut values = Vec::new();
    // Only in tags: code that shows HTML has its `<` escaped.
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let mut rest = tag;
        while let Some((before, behind)) = rest.split_once(attribute) {
            rest = behind;
            let is_name = before.ends_with(char::is_whitespace);
            if let Some(value) = behind.strip_prefix("=\"")
                && is_name
            {
                let end = value.find('"').unwrap_or(value.len());
                values.push(&value[..end]);
                rest = &value[end..];
            }
        }
    }
    values
}

/// Turns `%23` and `&amp;` back into characters.
fn decode(text: &str) -> String {
    let text = text.replace("&amp;", "&").replace("&quot;", "\"");
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let code = piece
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&piece.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_elsewhere(link: &str) -> bool {
    let schemes = ["http:", "https:", "mailto:", "data:", "javascript:", "//"];
    schemes.iter().any(|scheme| link.starts_with(scheme))
}

/// Looks up every link of every page.
pub fn check(site: &Site) -> Findings {
    let mut findings = Findings::default();
    let mut ids = BTreeMap::new();
    for (name, html) in site {
        let found = values(html.as_deref().unwrap_or_default(), "id");
        let found: BTreeSet<String> = found.into_iter().map(decode).collect();
        ids.insert(name.as_str(), found);
    }
    for (page, html) in site {
        // 404.html is shown at any address, and so its links are absolute.
        let Some(html) = html.as_deref().filter(|_| page != "404.html") else {
            continue;
        };
        if html.contains("{{#") {
            findings
                .errors
                .push(format!("{page}: a directive was left as it is"));
        }
        let mut seen = BTreeSet::new();
        for link in ["href", "src"].iter().flat_map(|name| values(html, name)) {
            if is_elsewhere(link) || !seen.insert(link) {
                continue;
            }
            if let Err(what) = look_up(site, &ids, page, &decode(link)) {
                findings.errors.push(format!("{page}: '{link}': {what}"));
            }
        }
    }
    findings
}

fn look_up(
    site: &Site,
    ids: &BTreeMap<&str, BTreeSet<String>>,
    page: &str,
    link: &str,
) -> Result<(), &'static str> {
    let (path, id) = link.split_once('#').unwrap_or((link, ""));
    let path = path.split('?').next().unwrap_or_default();
    let file = if path.is_empty() {
        page.to_owned()
    } else {
        resolve(page, path).ok_or("leads out of the book")?
    };
    if !site.contains_key(&file) {
        return Err("no such page or file");
    }
    let has_id = ids.get(file.as_str()).is_some_and(|ids| ids.contains(id));
    if !id.is_empty() && !has_id {
        return Err("no such place in that page");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(page: &str) -> Vec<String> {
        let mut site = Site::new();
        site.insert("a.html".to_owned(), Some(page.to_owned()));
        site.insert(
            "b/b.html".to_owned(),
            Some("<h1 id=\"b-2\">B</h1>".to_owned()),
        );
        site.insert("css/x.css".to_owned(), None);
        check(&site).errors
    }

    #[test]
    fn links_that_lead_somewhere() {
        let page = "<link href=\"css/x.css?v=1\"><h1 id=\"a\">A</h1><a href=\"#a\">a</a>\
            <a class=\"x\" href=\"b/b.html#b%2D2\">b</a><a href=\"https://example.org/#no\">x</a>";
        assert_eq!(errors(page), [""; 0]);
    }

    #[test]
    fn a_page_that_is_not_there() {
        let expected = ["a.html: 'c.html': no such page or file"];
        assert_eq!(errors("<a href=\"c.html\">c</a>"), expected);
    }

    #[test]
    fn a_picture_that_is_not_there() {
        let expected = ["a.html: 'c.svg': no such page or file"];
        assert_eq!(errors("<img alt=\"c\" src=\"c.svg\">"), expected);
    }

    #[test]
    fn a_fragment_that_is_not_there() {
        let expected = ["a.html: 'b/b.html#c': no such place in that page"];
        assert_eq!(errors("<a href=\"b/b.html#c\">c</a>"), expected);
        assert!(!errors("<a href=\"#c\">c</a>").is_empty());
    }

    #[test]
    fn a_link_out_of_the_book() {
        assert_eq!(
            errors("<a href=\"../x\">x</a>"),
            ["a.html: '../x': leads out of the book"]
        );
    }

    #[test]
    fn a_directive_that_mdbook_did_not_follow() {
        let expected = ["a.html: a directive was left as it is"];
        assert_eq!(errors("<code>{{#include no.rs}}</code>"), expected);
    }
}
