//! Texts that have to follow a rule, as types that only such a text fits.

use serde::{Deserialize, Serialize};

/// Declares a text with the rule it follows and what is wrong with one that does not.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $holds:expr, $fault:literal) => {
        $(#[$doc])*
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub(super) struct $name(String);

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let holds: fn(&str) -> bool = $holds;
                if holds(&text) { Ok(Self(text)) } else { Err($fault) }
            }
        }
    };
}

text!(
    /// A text that says something.
    Filled,
    |text| !text.trim().is_empty(),
    "a text must not be empty"
);
text!(
    /// The number of an item: `SKU-` and five digits.
    Sku,
    is_sku,
    "an SKU must look like SKU-10458"
);
text!(
    /// A currency's code.
    Currency,
    |text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
    "a currency must look like USD"
);
text!(
    /// 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    Uuid,
    is_uuid,
    "an id must be a UUID"
);

fn is_sku(text: &str) -> bool {
    let digits = text.strip_prefix("SKU-").unwrap_or_default();
    digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.bytes().all(hexadecimal)
}
