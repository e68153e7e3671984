//! Shell globs by the rules of Python's `fnmatch`, which policies are written for:
//! case counts, `*` also matches `/`, there is no escape character, and a `[` that is
//! never closed stands for itself.

/// A pattern that matches whole texts. Matching takes at most pattern × text steps.
#[derive(Clone, Debug)]
pub struct Glob {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// `*`: any number of characters.
    Anything,
    /// `?`: one character.
    Any,
    Char(char),
    /// `[…]`: one of these ranges, or, negated, none of them.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    fn matches(&self, c: char) -> bool {
        match self {
            Part::Anything => false,
            Part::Any => true,
            Part::Char(own) => *own == c,
            Part::Set { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

impl Glob {
    pub fn new(pattern: &str) -> Glob {
        let chars: Vec<char> = pattern.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let (part, length) = match chars[at] {
                '*' => (Part::Anything, 1),
                '?' => (Part::Any, 1),
                '[' => match set_length(&chars[at + 1..]) {
                    Some(length) => (set(&chars[at + 1..at + 1 + length]), length + 2),
                    None => (Part::Char('['), 1),
                },
                c => (Part::Char(c), 1),
            };
            parts.push(part);
            at += length;
        }
        Glob { parts }
    }

    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        // After the latest `*`, and how much of the text it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.parts.get(part) {
                Some(Part::Anything) => {
                    part += 1;
                    star = Some((part, at));
                }
                Some(single) if single.matches(text[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => match &mut star {
                    Some((after, taken)) => {
                        *taken += 1;
                        part = *after;
                        at = *taken;
                    }
                    None => return false,
                },
            }
        }
        self.parts[part..].iter().all(|rest| matches!(rest, Part::Anything))
    }
}

/// Whether one of the patterns matches.
pub fn any_matches(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

/// The length of a set's inside, given what follows its `[`. A `]` in first place (after
/// the `!`) belongs to the set.
fn set_length(rest: &[char]) -> Option<usize> {
    let skip = if rest.first() == Some(&'!') { 2 } else { 1 };
    rest.iter().skip(skip).position(|c| *c == ']').map(|found| found + skip)
}

fn set(inside: &[char]) -> Part {
    let (negated, mut chars) = match inside {
        ['!', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut ranges = Vec::new();
    while let Some((&first, rest)) = chars.split_first() {
        match rest {
            // A range that runs backwards is empty.
            ['-', last, rest @ ..] => {
                ranges.push((first, *last));
                chars = rest;
            }
            _ => {
                ranges.push((first, first));
                chars = rest;
            }
        }
    }
    Part::Set { negated, ranges }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn matches_as_fnmatch_does() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a/b", true),
            ("f*-build", "f42-build", true),
            ("f*-build", "f42-build-x", false),
            ("*a*a*b", "aaaaaaaab", true),
            ("*a*a*b", "aaaaaaaa", false),
            ("?", "ä", true),
            ("?", "", false),
            ("A*", "abc", false),
            ("[abc]", "b", true),
            ("[!abc]", "b", false),
            ("[!abc]", "d", true),
            ("[a-c]x", "bx", true),
            ("[c-a]", "b", false),
            ("[!c-a]", "b", true),
            ("[]]", "]", true),
            ("[!]]", "]", false),
            ("[]", "[]", true),
            ("[!]", "[!]", true),
            ("[a", "[a", true),
            ("[[]", "[", true),
            ("[a-]", "-", true),
            ("[^a]", "^", true),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("\\*", "\\anything", true),
            ("a.c", "abc", false),
            ("a\n*", "a\nb\nc", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let glob = Glob::new(&"*a".repeat(200));
        assert!(!glob.matches(&format!("{}b", "a".repeat(5000))));
    }
}
