//! Generated documents say what the program does, and every shipped scenario is sound.

use std::fs;
use std::path::{Path, PathBuf};

use flashcrash::scenario;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn assert_same(file: &str, expected: &str, command: &str) {
    let found = fs::read_to_string(root().join(file)).unwrap_or_default();
    assert!(found == expected, "{file} is out of date: run `cargo run -- {command} > {file}`");
}

fn scenarios() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_schema_is_that_of_the_program() {
    assert_same("scenarios/schema.json", &format!("{:#}\n", scenario::schema()), "schema");
}

#[test]
fn the_reference_is_that_of_the_program() {
    assert_same("docs/reference.md", &scenario::reference(), "reference");
}

#[test]
fn every_scenario_names_the_schema_and_says_what_it_shows() {
    let files = scenarios();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#:schema ./schema.json"), "{}", file.display());
        let about = lines.next().unwrap_or_default();
        assert!(about.starts_with("# ") && about.ends_with('.') && about.len() > 40, "{}: {about}", file.display());
    }
}

#[test]
fn every_scenario_is_sound() {
    for file in scenarios() {
        let (scenario, warnings) = scenario::load(&file).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(scenario.hash.len(), 64);
        let warnings = warnings.render(flashcrash::fault::Paint::Plain);
        if scenario.name == "classroom" {
            // Its mark follows the index, so that every number can be checked by hand.
            assert_eq!(warnings.matches("warning:").count(), 1, "{warnings}");
            assert!(warnings.contains("the loop is open"), "{warnings}");
        } else if scenario.name == "own-book" {
            // It shows how a book finer than the cash unit is loaded.
            assert_eq!(warnings.matches("warning:").count(), 1, "{warnings}");
            assert!(warnings.contains("400 of 400 rows of `own-book.csv` are rounded"), "{warnings}");
        } else {
            assert_eq!(warnings, "");
        }
    }
}

#[test]
fn every_kind_and_key_stands_in_the_listing_and_in_the_reference() {
    let (listing, reference) = (scenario::listing(), scenario::reference());
    let families = scenario::listing_json();
    let families = families.as_array().unwrap();
    assert_eq!(families.len(), 7);
    for family in families {
        for kind in family["kinds"].as_array().unwrap() {
            let name = kind["kind"].as_str().unwrap();
            assert!(listing.contains(&format!("\n  {name}\n")), "{name}");
            assert!(reference.contains(&format!("#### `{name}`")), "{name}");
            for key in kind["keys"].as_array().unwrap() {
                let about = key["about"].as_str().unwrap();
                assert!(about.len() > 8, "{name}.{} says nothing", key["name"]);
                assert!(listing.contains(about), "{name}.{}", key["name"]);
            }
        }
    }
}

#[test]
#[ignore = "prints how long a draw takes"]
fn time_a_draw() {
    let (scenario, _) = scenario::load(&root().join("scenarios/flash-crash.toml")).unwrap();
    let flashcrash::traders::Accounts::Generated(generated) = &scenario.accounts else { panic!() };
    let opening = scenario.opening();
    let mut out = flashcrash::traders::Population::default();
    generated.draw(1, 0, &opening, &mut out).unwrap();
    for _ in 0..3 {
        let start = std::time::Instant::now();
        for path in 0..50 {
            generated.draw(1, path, &opening, &mut out).unwrap();
        }
        let n = 50.0 * out.account.len() as f64;
        println!("{:.1} ns an account, redrawn {}", start.elapsed().as_secs_f64() * 1e9 / n, out.redrawn);
    }
    let oi: i64 = out.cost.iter().filter(|c| c.0 > 0).map(|c| c.0 / 1_000_000).sum();
    let short: i64 = out.cost.iter().filter(|c| c.0 < 0).map(|c| c.0 / 1_000_000).sum();
    let equity: i64 = out.collateral.iter().map(|c| c.0 / 1_000_000).sum();
    println!("long {oi} short {short} collateral {equity}");
}

/// Every reference of the schema leads somewhere.
#[test]
fn what_the_schema_refers_to_is_defined_in_it() {
    let schema = scenario::schema();
    let mut open = vec![&schema];
    let mut found = 0;
    while let Some(part) = open.pop() {
        if let Some(name) = part.get("$ref").and_then(|name| name.as_str()) {
            assert!(schema.pointer(name.trim_start_matches('#')).is_some(), "{name}");
            found += 1;
        }
        open.extend(part.as_object().into_iter().flat_map(|table| table.values()));
        open.extend(part.as_array().into_iter().flatten());
    }
    assert!(found > 20, "{found} references");
}
