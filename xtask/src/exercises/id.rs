//! The number of an exercise.

use std::fmt;
use std::str::FromStr;

/// `3.1`: the first exercise of `step03_ip`. The order is the book's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The crate: 1 to 99.
    pub step: u8,
    /// The place within the crate, from 1.
    pub number: u8,
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('.');
        let parsed = parts.and_then(|(step, number)| {
            let (step, number) = (step.parse().ok()?, number.parse().ok()?);
            Some(Self { step, number })
        });
        match parsed {
            Some(id) if id.step > 0 && id.number > 0 && id.to_string() == text => Ok(id),
            _ => Err(format!(
                "'{text}' is no exercise: write crate.number, such as 3.1"
            )),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.step, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_numbers() {
        let id = |text: &str| text.parse::<Id>();
        assert!(id("3.2").unwrap() < id("3.10").unwrap());
        assert!(id("3.10").unwrap() < id("4.1").unwrap());
        assert_eq!(id("3.10").unwrap().to_string(), "3.10");
        for wrong in [
            "", "3", "3.", "3.0", "0.1", "3.01", "+3.1", "3.1.1", "256.1",
        ] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }
}
