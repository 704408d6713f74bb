//! Columns with a heading, as `docker ps` and `kubectl get` have them.

use comfy_table::{ContentArrangement, Table, presets};

use super::theme::Theme;

/// The rows under their headings, at most `width` columns wide.
pub(crate) fn table(
    headings: &[&str],
    rows: &[Vec<String>],
    theme: &Theme,
    width: usize,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(headings);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    if let Some(heading) = lines.first_mut() {
        *heading = theme.faint.style(&*heading).to_string();
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let rows = [["vpc/main", "available"], ["db-instance/main", "creating"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let shown = table(&["RESOURCE", "STATE"], &rows, &Theme::default(), 80);
        let expected =
            "RESOURCE          STATE\nvpc/main          available\ndb-instance/main  creating\n";
        assert_eq!(shown, expected);
    }
}
