//! Where sources are, as a stock SCM address says it:
//! `scheme://[user[:password]@]host[:port]/path/to/repo[?path/to/module]#revision`.
//!
//! An address comes from whoever asks for a build, and its parts become arguments of programs and
//! names of folders. So no part may look like an option, leave its folder or hold what no address
//! holds.

use super::ScmError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Git,
    GitSsh,
    Svn,
    SvnSsh,
    Cvs,
    CvsSsh,
}

/// Every scheme with `://`, its kind, and the scheme that the program itself is given.
const SCHEMES: &[(&str, Kind, &str)] = &[
    ("cvs://", Kind::Cvs, ""),
    ("cvs+ssh://", Kind::CvsSsh, ""),
    ("git://", Kind::Git, "git://"),
    ("git+http://", Kind::Git, "http://"),
    ("git+https://", Kind::Git, "https://"),
    ("git+rsync://", Kind::Git, "rsync://"),
    ("git+ssh://", Kind::GitSsh, "git+ssh://"),
    ("svn://", Kind::Svn, "svn://"),
    ("svn+http://", Kind::Svn, "http://"),
    ("svn+https://", Kind::Svn, "https://"),
    ("svn+ssh://", Kind::SvnSsh, "svn+ssh://"),
];

impl Kind {
    /// The name that policies know.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Git => "GIT",
            Kind::GitSsh => "GIT+SSH",
            Kind::Svn => "SVN",
            Kind::SvnSsh => "SVN+SSH",
            Kind::Cvs => "CVS",
            Kind::CvsSsh => "CVS+SSH",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScmUrl {
    /// The whole address, its password replaced by `***`.
    pub shown: String,
    pub kind: Kind,
    /// With `://`, as written.
    pub scheme: &'static str,
    /// What stands before the host when the program is called.
    pub transport: &'static str,
    pub user: Option<String>,
    pub password: Option<String>,
    /// With the port, if one is given.
    pub host: String,
    /// Begins with `/` and does not end with one.
    pub repository: String,
    /// Folder within the repository; often empty.
    pub module: String,
    pub revision: String,
}

/// Whether an address has one of the schemes at all.
pub fn is_scm_url(url: &str) -> bool {
    SCHEMES.iter().any(|(scheme, ..)| url.starts_with(scheme))
}

impl ScmUrl {
    pub fn parse(url: &str, allow_password: bool) -> Result<ScmUrl, ScmError> {
        let Some((scheme, kind, transport)) = SCHEMES.iter().find(|(scheme, ..)| url.starts_with(scheme)) else {
            let known: Vec<&str> = SCHEMES.iter().map(|(scheme, ..)| *scheme).collect();
            return Err(ScmError::Scheme { url: shown(url), known: known.join(" ") });
        };
        let wrong = |why: &str| ScmError::Url { url: shown(url), why: why.to_owned() };
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong("it has blanks or control characters"));
        }
        let rest = &url[scheme.len()..];
        let (rest, revision) = rest.split_once('#').ok_or_else(|| wrong("it has no #revision"))?;
        let (rest, module) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (user, password, host) = authority_parts(authority).ok_or_else(|| wrong("its host is not understood"))?;
        if password.is_some() && !allow_password {
            return Err(wrong("a password in it is not allowed here"));
        }
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        if path.rsplit('/').next().is_some_and(|last| last.contains(';')) {
            return Err(wrong("parameters (;) are not allowed in its path"));
        }
        let repository = normal_path(path);
        if repository.is_empty() {
            return Err(wrong("it has no path"));
        }
        if revision.is_empty() {
            return Err(wrong("its #revision is empty"));
        }
        let module = module.trim_end_matches('/').to_owned();
        if module.starts_with('/') || module.split('/').any(|part| matches!(part, ".." | ".git")) {
            return Err(wrong("its ?module leaves the repository"));
        }
        let folder = repository.rsplit('/').next().unwrap_or_default();
        for part in [user.as_deref().unwrap_or_default(), host.as_str(), folder, module.as_str(), revision] {
            if part.starts_with('-') {
                return Err(wrong("no part of it may begin with a dash"));
            }
        }
        Ok(ScmUrl {
            shown: shown(url),
            kind: *kind,
            scheme,
            transport,
            user,
            password,
            host,
            repository,
            module,
            revision: revision.to_owned(),
        })
    }

    /// `user:password`, `user`, or nothing.
    pub fn login(&self) -> Option<String> {
        let user = self.user.as_deref()?;
        Some(match &self.password {
            Some(password) => format!("{user}:{password}"),
            None => user.to_owned(),
        })
    }
}

/// User, password and host. `None` if there are several `@`.
fn authority_parts(authority: &str) -> Option<(Option<String>, Option<String>, String)> {
    let (login, host) = match authority.split_once('@') {
        None => (None, authority),
        Some((_, host)) if host.contains('@') => return None,
        Some((login, host)) => (Some(login), host),
    };
    let (user, password) = match login.map(|l| l.split_once(':').map_or((l, None), |(u, p)| (u, Some(p)))) {
        None => (None, None),
        Some((user, password)) => (Some(user), password.filter(|p| !p.is_empty())),
    };
    Some((user.filter(|u| !u.is_empty()).map(str::to_owned), password.map(str::to_owned), host.to_owned()))
}

/// Resolves `.`, `..` and doubled slashes as text.
fn normal_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.iter().map(|part| format!("/{part}")).collect()
}

/// An address that may be logged.
fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@').and_then(|(login, _)| login.split_once(':').map(|(user, _)| (user, login))) {
        Some((user, login)) => format!("{scheme}://{user}:***{}", &rest[login.len()..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<ScmUrl, String> {
        ScmUrl::parse(url, false).map_err(|e| e.to_string())
    }

    #[test]
    fn the_parts_of_an_address() {
        let url = parse("git+https://me@host:8080//a/./b/../repo.git/?sub/dir/#origin/main").unwrap();
        assert_eq!((url.kind, url.scheme, url.transport), (Kind::Git, "git+https://", "https://"));
        assert_eq!((url.user.as_deref(), url.host.as_str()), (Some("me"), "host:8080"));
        assert_eq!((url.repository.as_str(), url.module.as_str()), ("/a/repo.git", "sub/dir"));
        assert_eq!(url.revision, "origin/main");
        assert_eq!(parse("cvs://host/cvs/dist?rpms/foo#HEAD").unwrap().module, "rpms/foo");
    }

    #[test]
    fn addresses_that_are_refused() {
        for (url, why) in [
            ("file:///etc#x", "scheme"),
            ("/etc/passwd", "scheme"),
            ("ext::sh -c id#x", "scheme"),
            ("git://host/repo", "no #revision"),
            ("git://host/repo#", "#revision is empty"),
            ("git://host#main", "no path"),
            ("git://host/#main", "no path"),
            ("git:///repo#main", "no host"),
            ("git://a@b@host/repo#main", "host is not understood"),
            ("git://host/repo;x=y#main", "parameters"),
            ("git://-oProxyCommand=id/repo#main", "dash"),
            ("git+ssh://-oProxyCommand=id@host/repo#main", "dash"),
            ("git://host/repo#--upload-pack=id", "dash"),
            ("git://host/--repo#main", "dash"),
            ("svn://host/repo?-x#1", "dash"),
            ("svn://host/repo?../../etc#1", "leaves the repository"),
            ("svn://host/repo?/etc#1", "leaves the repository"),
            ("git://host/re po#main", "blanks"),
            ("git://host/repo#main\n", "blanks"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.contains(why), "{url}: {error}");
        }
    }

    #[test]
    fn passwords_need_leave_and_are_never_shown() {
        let url = "git+https://me:secret@host/repo#main";
        let refused = parse(url).unwrap_err();
        assert!(refused.contains("password") && !refused.contains("secret"), "{refused}");
        let allowed = ScmUrl::parse(url, true).unwrap();
        assert_eq!(allowed.login().as_deref(), Some("me:secret"));
        assert_eq!(allowed.shown, "git+https://me:***@host/repo#main");
    }
}
