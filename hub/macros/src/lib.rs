//! `#[rpc]`: the one declaration of an RPC method.
//!
//! ```ignore
//! /// Creates a tag and opens its first configuration.
//! ///
//! /// Returns the new tag's id. Faults: a name that is in use.
//! #[rpc("createTag(name, parent=None, arches=None)", write, perm = "tag")]
//! pub async fn create_tag(call: &mut Call, name: String, parent: Option<NameOrId>, arches: Option<String>) -> Rpc<i32> { … }
//! ```
//!
//! The string is the wire signature, in the notation clients know from `koji list-api`: names, order and
//! defaults. The function's parameters after `call` take the arguments in the same order, converted by
//! `FromArg`. `*args` is a `Vec<Value>`, `**opts` a `Struct`.
//!
//! After the signature stand, in any order:
//! * `read` or `write`: whether it needs a transaction and of which kind; neither: it touches no database;
//! * `login`, `perm = "…"` or `host`: who may call it (`perm` always includes `admin`, `host` means a
//!   builder with the exclusive session); neither: anybody.
//!
//! * `unlisted`: it is served, but `_listapi` and `system.listMethods` keep to what the recorded hub listed.
//!
//! The function stays as written. Beside it comes a constant with the function's name in capitals, a
//! `Method`, which `rpc/registry.rs` lists.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, LitStr, Meta, Token, parse_macro_input};

struct Declaration {
    signature: LitStr,
    access: Tokens,
    guard: Tokens,
    listed: bool,
}

impl Parse for Declaration {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let signature: LitStr = input.parse()?;
        let mut access = quote!(Access::None);
        let mut guard = quote!(Guard::Anybody);
        let mut listed = true;
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let word: Ident = input.parse()?;
            match word.to_string().as_str() {
                "read" => access = quote!(Access::Read),
                "write" => access = quote!(Access::Write),
                "login" => guard = quote!(Guard::Login),
                "host" => guard = quote!(Guard::Host),
                "unlisted" => listed = false,
                "perm" => {
                    input.parse::<Token![=]>()?;
                    let name: LitStr = input.parse()?;
                    guard = quote!(Guard::Perm(#name));
                }
                _ => {
                    return Err(Error::new(word.span(), "expected read, write, login, host, unlisted or perm = \"…\""));
                }
            }
        }
        Ok(Self { signature, access, guard, listed })
    }
}

/// The parameter names of a wire signature, without `*` and defaults.
fn names(signature: &LitStr) -> syn::Result<Vec<String>> {
    let text = signature.value();
    let inner = text
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .ok_or_else(|| Error::new(signature.span(), "expected \"name(parameters)\""))?;
    Ok(inner
        .split(',')
        .map(|p| p.split('=').next().unwrap_or("").trim().trim_start_matches('*').to_string())
        .filter(|p| !p.is_empty())
        .collect())
}

fn doc_text(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(nv) if nv.path.is_ident("doc") => match &nv.value {
            Expr::Lit(ExprLit { lit: Lit::Str(s), .. }) => Some(s.value()),
            _ => None,
        },
        _ => None,
    });
    lines.map(|l| l.strip_prefix(' ').unwrap_or(&l).to_string()).collect::<Vec<_>>().join("\n")
}

fn expand(declaration: Declaration, function: ItemFn) -> syn::Result<Tokens> {
    let Declaration { signature, access, guard, listed } = declaration;
    let doc = doc_text(&function.attrs);
    if doc.is_empty() {
        return Err(Error::new(function.sig.span(), "an RPC method needs documentation: shapes, units, faults"));
    }
    let names = names(&signature)?;
    let given: Vec<&FnArg> = function.sig.inputs.iter().skip(1).collect();
    if names.len() != given.len() {
        let text = format!("the signature has {} parameters, the function {} after `call`", names.len(), given.len());
        return Err(Error::new(function.sig.inputs.span(), text));
    }
    let name = &function.sig.ident;
    let constant = format_ident!("{}", name.to_string().to_uppercase());
    let vars: Vec<Ident> = (0..names.len()).map(|i| format_ident!("arg{i}")).collect();
    let visibility = &function.vis;
    Ok(quote! {
        #function

        #[doc = concat!("`", #signature, "`")]
        #visibility const #constant: crate::rpc::Method = {
            use crate::rpc::{Access, Args, Call, Guard, Method, Rpc, Value, into_value};
            fn handler<'a>(call: &'a mut Call, args: Args) -> futures::future::BoxFuture<'a, Rpc<Value>> {
                Box::pin(async move {
                    #[allow(unused_mut, unused_variables)]
                    let mut args = args;
                    #(let #vars = args.take(#names)?;)*
                    into_value(#name(call, #(#vars),*).await?)
                })
            }
            Method { signature: #signature, doc: #doc, access: #access, guard: #guard, listed: #listed, handler }
        };
    })
}

/// Declares an RPC method; see the crate's documentation.
#[proc_macro_attribute]
pub fn rpc(attr: TokenStream, item: TokenStream) -> TokenStream {
    let declaration = parse_macro_input!(attr as Declaration);
    let function = parse_macro_input!(item as ItemFn);
    expand(declaration, function).unwrap_or_else(Error::into_compile_error).into()
}
