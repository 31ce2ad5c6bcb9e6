/// A number and its noun, as a message states them: `1 photo`, `2 photos`, `0 classes`.
pub fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') || noun.ends_with("ch") => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "photo"), "1 photo");
        assert_eq!(counted(0, "photo"), "0 photos");
        assert_eq!(counted(2, "class"), "2 classes");
        assert_eq!(counted(3, "match"), "3 matches");
    }
}
