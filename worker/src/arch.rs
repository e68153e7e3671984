//! The arch families of RPM, as far as placing and naming builds needs them.

/// The arch under which a root and a repository for `arch` go: `i686` is built in `i386`.
pub fn canonical(arch: &str) -> &str {
    match arch {
        "athlon" | "i386" | "i486" | "i586" | "i686" => "i386",
        "ia32e" | "amd64" | "x86_64" => "x86_64",
        "x86_64_v2" | "x86_64_v3" | "x86_64_v4" => "x86_64",
        "ppc64pseries" | "ppc64iseries" => "ppc64",
        "sparc64v" | "sparc64" => "sparc64",
        "sparc" | "sparcv8" | "sparcv9" | "sparcv9v" => "sparc",
        "alpha" | "alphaev4" | "alphaev45" | "alphaev5" | "alphaev56" | "alphapca56" | "alphaev6" | "alphaev67"
        | "alphaev68" | "alphaev7" => "alpha",
        _ if arch.starts_with("armv5") => "armel",
        "armv7hl" | "armv7hnl" | "armv6hl" | "armv8hl" | "armv8l" => "armhfp",
        other => other,
    }
}
