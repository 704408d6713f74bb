//! How a capability is declared.

/// Declares a capability, which is two things in parallel: the trait that a kind implements, and the
/// same with the kind erased. Arguments are references.
macro_rules! capability {
    (
        $(#[$note:meta])*
        $typed:ident, $erased:ident {
            $($(#[$says:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+
        }
    ) => {
        $(#[$note])*
        ///
        /// Each method is one look, or one try, and may be called again: none of them waits.
        pub trait $typed<C: $crate::Cloud>: $crate::Resource<C> {
            $(
                $(#[$says])*
                fn $name(
                    cloud: &C,
                    live: &$crate::Found<Self>,
                    $($argument: &$type,)*
                ) -> impl Future<Output = $crate::Result<$answer>> + Send
                where
                    Self: Sized;
            )+
        }

        #[doc = concat!("[`", stringify!($typed), "`] of a kind that is erased.")]
        pub trait $erased<C: $crate::Cloud>: Send + Sync {
            $(
                #[doc = concat!(
                    "See [`", stringify!($typed), "::", stringify!($name), "`]. `live` is of the \
                     kind that this was asked for."
                )]
                fn $name<'a>(
                    &'a self,
                    cloud: &'a C,
                    live: &'a deployer_core::Live,
                    $($argument: &'a $type,)*
                ) -> $crate::driver::Boxed<'a, $answer>;
            )+
        }

        impl<C: $crate::Cloud, K: $typed<C>> $erased<C> for $crate::driver::Typed<K> {
            $(
                fn $name<'a>(
                    &'a self,
                    cloud: &'a C,
                    live: &'a deployer_core::Live,
                    $($argument: &'a $type,)*
                ) -> $crate::driver::Boxed<'a, $answer> {
                    Box::pin(async move {
                        let live = $crate::driver::restore::<K>(live)?;
                        K::$name(cloud, &live, $($argument),*).await
                    })
                }
            )+
        }
    };
}

pub(super) use capability;
