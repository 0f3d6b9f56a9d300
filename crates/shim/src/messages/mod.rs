//! The messages of containerd, each as a table of its fields: number, name and type.

/// Makes each message a structure that can be written and read. A field's number stands here and nowhere else.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $full:literal {
        $($(#[$attribute:meta])* $number:literal $field:ident: $type:ty,)*
    })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name { $($(#[$attribute])* pub(crate) $field: $type,)* }

        impl crate::wire::Message for $name {
            const NAME: &'static str = $full;

            fn put(&self, out: &mut Vec<u8>) {
                $(crate::wire::Field::put(&self.$field, $number, out);)*
                let _ = out;
            }

            fn take(&mut self, number: u32, value: crate::wire::Value<'_>) -> Result<(), crate::wire::Malformed> {
                let _ = value;
                match number {
                    $($number => crate::wire::Field::take(&mut self.$field, value),)*
                    _ => Ok(()),
                }
            }
        }
    )* };
}

mod common;
mod event;
mod metrics;
mod options;
mod task;

pub(crate) use common::*;
pub(crate) use event::*;
pub(crate) use metrics::*;
pub(crate) use options::*;
pub(crate) use task::*;
