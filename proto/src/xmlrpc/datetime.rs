use super::DateTime;

/// Reads a date and time as XML-RPC peers write it: `20200131T01:02:03`, with dashes, with a space
/// for the `T`, with a fraction or a final `Z` (both dropped: the type has neither).
pub fn parse_datetime(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', ' '])?;
    let time = time.strip_suffix('Z').unwrap_or(time);
    let time = match time.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) => whole,
        Some(_) => return None,
        None => time,
    };
    let digits = |b: &str, n| b.len() == n && b.bytes().all(|b| b.is_ascii_digit());
    let date = match date.split('-').collect::<Vec<_>>()[..] {
        [whole] if digits(whole, 8) => whole.to_owned(),
        [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2) => [y, m, d].concat(),
        _ => return None,
    };
    let plain = time.split(':').all(|part| digits(part, 2));
    plain.then(|| format!("{date}T{time}").parse().ok()).flatten()
}
