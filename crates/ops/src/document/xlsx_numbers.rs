//! Numbers of spreadsheets as they are read: plain ones by their digits, dates and times by the
//! format of their cell.
//!
//! Days count from 1899-12-30 (1904-01-01 in some files), and 1900 has a 29 February: ECMA-376,
//! part 1, 18.17.4.

use super::xml::{attribute, each_element};
use std::collections::BTreeMap;

/// Formats that a workbook may list.
const FORMAT_COUNT_MAX: usize = 65_536;
/// The last day of the year 9999.
const DAY_MAX: f64 = 2_958_466.0;
const DAY_SECONDS: f64 = 86_400.0;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// What a number stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Meaning {
    #[default]
    Number,
    Date,
    Time,
    DateTime,
    /// Hours that go on beyond a day.
    Duration,
}

/// The number formats of a workbook's cells.
#[derive(Debug, Default)]
pub(super) struct Formats {
    /// By the number of the cell's style.
    meanings: Vec<Meaning>,
    is_1904: bool,
}

impl Formats {
    /// Reads the styles part; it may be empty.
    pub(super) fn read(styles: &str, is_1904: bool) -> Formats {
        let mut own: BTreeMap<u32, Meaning> = BTreeMap::new();
        let mut meanings = Vec::new();
        let mut in_cell_formats = false;
        each_element(styles, |element| {
            let id = || attribute(element, "numFmtId").and_then(|id| id.parse::<u32>().ok());
            match element.local_name().as_ref() {
                "numFmt" if own.len() < FORMAT_COUNT_MAX => {
                    let code = attribute(element, "formatCode").unwrap_or_default();
                    own.insert(id().unwrap_or(0), meaning_of(&code));
                }
                "cellXfs" => in_cell_formats = true,
                "cellStyles" | "cellStyleXfs" | "dxfs" => in_cell_formats = false,
                "xf" if in_cell_formats && meanings.len() < FORMAT_COUNT_MAX => {
                    let id = id().unwrap_or(0);
                    meanings.push(own.get(&id).copied().unwrap_or_else(|| built_in(id)));
                }
                _ => {}
            }
        });
        Formats { meanings, is_1904 }
    }

    /// A number as it is read.
    pub(super) fn shown(&self, value: &str, style: usize) -> String {
        let Ok(number) = value.parse::<f64>() else { return value.to_owned() };
        let meaning = self.meanings.get(style).copied().unwrap_or_default();
        match meaning {
            Meaning::Number => plain(number),
            Meaning::Duration => clock((number * DAY_SECONDS).round()),
            _ if !(0.0..DAY_MAX).contains(&number) => plain(number),
            _ => self.moment(number, meaning),
        }
    }

    fn moment(&self, number: f64, meaning: Meaning) -> String {
        let seconds = (number * DAY_SECONDS).round();
        let days = (seconds / DAY_SECONDS).floor();
        let time = clock(seconds - days * DAY_SECONDS);
        let has_day = days >= 1.0 || meaning == Meaning::Date;
        match meaning {
            // A moment of the day alone.
            Meaning::Time | Meaning::DateTime if !has_day => time,
            Meaning::Time if days < 1.0 => time,
            Meaning::Date if seconds == days * DAY_SECONDS => self.date(days),
            _ => format!("{} {time}", self.date(days)),
        }
    }

    fn date(&self, days: f64) -> String {
        let days = days as i64;
        let since_1970 = match (self.is_1904, days) {
            (true, _) => days - 24_107,
            // The day that never was.
            (false, 60) => return "1900-02-29".to_owned(),
            (false, 0..60) => days - 25_568,
            (false, _) => days - 25_569,
        };
        let (year, month, day) = civil(since_1970);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// The formats that every program knows by number.
fn built_in(id: u32) -> Meaning {
    match id {
        14..=17 | 27..=31 | 34..=36 | 50..=58 => Meaning::Date,
        18..=21 | 32..=33 | 45 | 47 => Meaning::Time,
        22 => Meaning::DateTime,
        46 => Meaning::Duration,
        _ => Meaning::Number,
    }
}

/// What a format code makes of a number: letters of dates and times outside quotation marks.
fn meaning_of(code: &str) -> Meaning {
    let code = code.to_lowercase().replace("am/pm", "h").replace("general", "");
    let (mut has_day, mut has_time, mut has_month, mut is_long) = (false, false, false, false);
    let mut signs = code.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '"' => drop(signs.by_ref().find(|c| *c == '"')),
            '\\' | '_' | '*' => drop(signs.next()),
            // Colours, conditions, languages; or hours, minutes, seconds beyond a day.
            '[' => {
                let inside: String = signs.by_ref().take_while(|c| *c != ']').collect();
                is_long |= !inside.is_empty()
                    && ["h", "m", "s"].iter().any(|unit| inside.replace(unit, "").is_empty());
            }
            ';' => break,
            'y' | 'd' => has_day = true,
            'h' | 's' => has_time = true,
            'm' => has_month = true,
            _ => {}
        }
    }
    if is_long && !has_day {
        return Meaning::Duration;
    }
    match (has_day || (has_month && !has_time), has_time) {
        (true, true) => Meaning::DateTime,
        (true, false) => Meaning::Date,
        (false, true) => Meaning::Time,
        (false, false) => Meaning::Number,
    }
}

/// A number by as many digits as tell it from its neighbours; very large and small ones in powers
/// of ten.
fn plain(number: f64) -> String {
    let size = number.abs();
    if number != 0.0 && !(1e-5..1e16).contains(&size) {
        return format!("{number:e}").replace('e', "E");
    }
    // Programs write 0.1 + 0.2 with 17 digits and show 15.
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    format!("{rounded}")
}

fn clock(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs() as u64;
    format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant, "chrono-compatible
/// low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str, meaning: Meaning) -> String {
        Formats { meanings: vec![meaning], is_1904: false }.shown(value, 0)
    }

    #[test]
    fn numbers_are_shown_by_their_digits() {
        assert_eq!(plain(3.0), "3");
        assert_eq!(plain(0.1 + 0.2), "0.3");
        assert_eq!(plain(-1234.5), "-1234.5");
        assert_eq!(plain(1e300), "1E300");
        assert_eq!(shown("no number", Meaning::Number), "no number");
    }

    #[test]
    fn days_count_from_their_epoch() {
        assert_eq!(shown("1", Meaning::Date), "1900-01-01");
        assert_eq!(shown("59", Meaning::Date), "1900-02-28");
        assert_eq!(shown("60", Meaning::Date), "1900-02-29");
        assert_eq!(shown("61", Meaning::Date), "1900-03-01");
        assert_eq!(shown("45351", Meaning::Date), "2024-02-29");
        assert_eq!(shown("2958465", Meaning::Date), "9999-12-31");
        assert_eq!(shown("45351.75", Meaning::DateTime), "2024-02-29 18:00:00");
        assert_eq!(shown("0.5", Meaning::Time), "12:00:00");
        assert_eq!(shown("1.5", Meaning::Duration), "36:00:00");
        assert_eq!(shown("-1", Meaning::Date), "-1");
        let formats = Formats { meanings: vec![Meaning::Date], is_1904: true };
        assert_eq!(formats.shown("0", 0), "1904-01-01");
    }

    #[test]
    fn format_codes_are_told_apart() {
        let cases = [
            ("General", Meaning::Number),
            ("0.00", Meaning::Number),
            ("#,##0.00 \"days\"", Meaning::Number),
            ("[Red]-0.0", Meaning::Number),
            ("yyyy-mm-dd", Meaning::Date),
            ("mmmm", Meaning::Date),
            ("[$-409]d/m/yy h:mm AM/PM", Meaning::DateTime),
            ("hh:mm:ss", Meaning::Time),
            ("[h]:mm", Meaning::Duration),
            ("\\d0", Meaning::Number),
        ];
        for (code, meaning) in cases {
            assert_eq!(meaning_of(code), meaning, "{code}");
        }
    }
}
