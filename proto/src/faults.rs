//! The fault codes that stock clients turn into exceptions of their own. Clients print the class
//! and decide by it (a retry, another login), so the code is part of every error.

use crate::coded::coded;
use crate::xmlrpc::Fault;

coded! {
    /// A kind of error, by its number on the wire and the class that the stock client makes of it.
    enum FaultCode {
        /// What nobody expected: a crash of a call, or a value that cannot be sent.
        Internal = 1 "Fault",
        Generic = 1000 "GenericError",
        Lock = 1001 "LockError",
        Auth = 1002 "AuthError",
        Tag = 1003 "TagError",
        NotAllowed = 1004 "ActionNotAllowed",
        Build = 1005 "BuildError",
        AuthLock = 1006 "AuthLockError",
        AuthExpired = 1007 "AuthExpired",
        Sequence = 1008 "SequenceError",
        Retry = 1009 "RetryError",
        PreBuild = 1010 "PreBuildError",
        PostBuild = 1011 "PostBuildError",
        Buildroot = 1012 "BuildrootError",
        Deprecated = 1013 "FunctionDeprecated",
        Offline = 1014 "ServerOffline",
        LiveCd = 1015 "LiveCDError",
        Plugin = 1016 "PluginError",
        Callback = 1017 "CallbackError",
        Appliance = 1018 "ApplianceError",
        Parameter = 1019 "ParameterError",
        Import = 1020 "ImportError",
        Configuration = 1021 "ConfigurationError",
        LiveMedia = 1022 "LiveMediaError",
        Gssapi = 1023 "GSSAPIAuthError",
        NameValidation = 1024 "NameValidationError",
    }
}

impl FaultCode {
    pub fn fault(self, message: impl Into<String>) -> Fault {
        Fault::new(self.code(), message.into())
    }

    /// The more general kind that this is one of, as the stock classes inherit.
    pub const fn parent(self) -> Option<FaultCode> {
        use FaultCode::*;
        match self {
            Internal | Generic => None,
            AuthLock | AuthExpired | Sequence | Retry | Gssapi => Some(Auth),
            PreBuild | PostBuild | Buildroot => Some(Build),
            Callback => Some(Plugin),
            _ => Some(Generic),
        }
    }

    /// Whether this is that kind or one of it.
    pub fn is_a(self, kind: FaultCode) -> bool {
        std::iter::successors(Some(self), |k| k.parent()).any(|k| k == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_inherit() {
        assert!(FaultCode::Retry.is_a(FaultCode::Auth));
        assert!(FaultCode::Retry.is_a(FaultCode::Generic));
        assert!(!FaultCode::Auth.is_a(FaultCode::Retry));
        assert!(!FaultCode::Internal.is_a(FaultCode::Generic));
        assert_eq!(FaultCode::from_code(1019), Some(FaultCode::Parameter));
        assert_eq!(FaultCode::Tag.fault("x").code(), 1003);
    }
}
