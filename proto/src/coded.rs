/// Enumerations whose members have a number and a name on the wire and in the database.
macro_rules! coded {
    ($(
        $(#[$doc:meta])*
        enum $type:ident { $($(#[$member_doc:meta])* $member:ident = $code:literal $name:literal),* $(,)? }
    )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum $type { $($(#[$member_doc])* $member = $code),* }

        impl $type {
            /// Every member, by number.
            pub const ALL: &[$type] = &[$($type::$member),*];

            pub const fn code(self) -> i32 {
                self as i32
            }

            pub fn from_code(code: impl Into<i64>) -> Option<Self> {
                let code = code.into();
                Self::ALL.iter().copied().find(|x| i64::from(x.code()) == code)
            }

            pub const fn name(self) -> &'static str {
                match self { $($type::$member => $name),* }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|x| x.name() == name)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::value::IntoValue for $type {
            fn into_value(self) -> $crate::xmlrpc::Value {
                $crate::xmlrpc::Value::Integer(self.code())
            }
        }
    )* };
}

pub(crate) use coded;
