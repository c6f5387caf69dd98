//! Writes the bundled pages of `fixtures/eia` anew: `cargo run --example generate_fixtures`.

use std::path::Path;

use atsaf::forecasting::eia::synthetic;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/eia");
    for (name, text) in synthetic::pages() {
        #[expect(clippy::disallowed_methods, reason = "it writes sources, which no store knows")]
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
