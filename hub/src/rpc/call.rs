//! The one context value of a call: identity, permissions, transaction, event, and what follows a commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::OnceCell;

use crate::Hub;
use crate::db::{Db, Insert, Param, Select, Update};
use crate::error::{self, Rpc};
use crate::session::{Identity, Peer, Session};

/// A running call. Handlers read and write through `db` and never commit.
pub struct Call {
    pub hub: Arc<Hub>,
    pub db: Db,
    pub identity: Identity,
    /// The method's name on the wire; inside a multiCall, the inner one's.
    pub method: String,
    /// Where the request comes from.
    pub peer: Peer,
    /// How many calls are under way inside each other.
    pub(super) depth: usize,
    event: Option<i32>,
    permissions: OnceCell<Vec<String>>,
    groups: OnceCell<BTreeMap<i32, String>>,
    host_id: OnceCell<Option<i32>>,
    wakes_scheduler: bool,
    on_rollback: Vec<Box<dyn FnOnce() + Send + Sync>>,
    after_commit: Vec<Box<dyn FnOnce() + Send + Sync>>,
}

impl Call {
    pub fn new(hub: Arc<Hub>, db: Db, identity: Identity, method: String, peer: Peer) -> Self {
        Self {
            hub,
            db,
            identity,
            method,
            peer,
            depth: 0,
            event: None,
            permissions: OnceCell::new(),
            groups: OnceCell::new(),
            host_id: OnceCell::new(),
            wakes_scheduler: false,
            on_rollback: Vec::new(),
            after_commit: Vec::new(),
        }
    }

    /// The caller's session.
    pub fn session(&self) -> Rpc<&Session> {
        self.identity.user().ok_or_else(|| error::denied("you must be logged in for this operation"))
    }

    pub fn logged_in(&self) -> bool {
        self.identity.user().is_some()
    }

    /// The caller's user id.
    pub fn user_id(&self) -> Rpc<i32> {
        Ok(self.session()?.user_id)
    }

    /// The caller's permissions, their own and those of their groups.
    pub async fn permissions(&self) -> Rpc<&[String]> {
        let Some(session) = self.identity.user() else { return Ok(&[]) };
        let load = || permissions_of(&self.db, session.user_id);
        Ok(self.permissions.get_or_try_init(load).await?)
    }

    /// Whether the caller has this very permission; `admin` does not imply it.
    pub async fn has_perm(&self, name: &str) -> Rpc<bool> {
        Ok(self.permissions().await?.iter().any(|p| p == name))
    }

    /// Refuses callers who have neither the permission nor `admin`.
    pub async fn assert_perm(&self, name: &str) -> Rpc<()> {
        if self.has_perm(name).await? || self.has_perm("admin").await? {
            return Ok(());
        }
        let who = match self.identity.user() {
            Some(session) => format!("logged in as {}", session.user_name),
            None => "user not logged in".into(),
        };
        Err(error::denied(format!("{name} permission required ({who})")))
    }

    /// The groups that the caller is a member of, by id.
    pub async fn groups(&self) -> Rpc<&BTreeMap<i32, String>> {
        let user = self.identity.user().map(|s| s.user_id);
        let load = || async move {
            let Some(user) = user else { return Ok(BTreeMap::new()) };
            groups_of(&self.db, user).await
        };
        self.groups.get_or_try_init(load).await
    }

    /// Whether the caller is this user or a member of this group.
    pub async fn is_user(&self, user_id: i32) -> Rpc<bool> {
        match self.identity.user() {
            Some(session) if session.user_id == user_id => Ok(true),
            Some(_) => Ok(self.groups().await?.contains_key(&user_id)),
            None => Ok(false),
        }
    }

    /// Refuses callers who are neither this user (or in this group) nor admin.
    pub async fn assert_user(&self, user_id: i32) -> Rpc<()> {
        if self.is_user(user_id).await? || self.has_perm("admin").await? {
            Ok(())
        } else {
            Err(error::denied("not owner"))
        }
    }

    /// The builder host that the caller is, if it is one.
    pub async fn host_id(&self) -> Rpc<Option<i32>> {
        let Some(session) = self.identity.user() else { return Ok(None) };
        let load =
            || Select::from("host").column("id", "id").clause("user_id = ?", [session.user_id.into()]).value(&self.db);
        self.host_id.get_or_try_init(load).await.copied()
    }

    /// The caller as a builder host with the exclusive session; anything else is refused.
    pub async fn assert_host(&self) -> Rpc<i32> {
        let Some(session) = self.identity.user() else { return Err(error::auth("Not logged-in")) };
        let host =
            self.host_id().await?.ok_or_else(|| error::auth(format!("User {} is not a host", session.user_id)))?;
        if session.exclusive { Ok(host) } else { Err(error::auth("This method requires an exclusive session")) }
    }

    /// The event of this call: made when first asked for, the same from then on.
    pub async fn event(&mut self) -> Rpc<i32> {
        match self.event {
            Some(event) => Ok(event),
            None => {
                let event = Insert::into("events").set("time", Utc::now()).returning_id(&self.db).await?;
                self.event = Some(event);
                Ok(event)
            }
        }
    }

    /// The next change gets an event of its own: a multiCall's items, and each build that is mass-tagged.
    pub fn forget_event(&mut self) {
        self.event = None;
    }

    /// The event of this call, if it made one.
    pub fn event_so_far(&self) -> Option<i32> {
        self.event
    }

    /// Opens a version of an entry with history: `insert` gets the event and the creator.
    pub async fn open_version(&mut self, insert: Insert) -> Rpc<()> {
        let user = self.user_id()?;
        self.open_version_as(user, insert).await
    }

    /// The same in the name of another user, such as a task's owner.
    pub async fn open_version_as(&mut self, user: i32, insert: Insert) -> Rpc<()> {
        let event = self.event().await?;
        insert.set("create_event", event).set("creator_id", user).set("active", true).run(&self.db).await
    }

    /// Revokes the present versions that match; returns how many there were.
    pub async fn revoke_versions(&mut self, table: &str, clause: &str, params: impl Into<Vec<Param>>) -> Rpc<u64> {
        let user = self.user_id()?;
        self.revoke_versions_as(user, table, clause, params).await
    }

    /// The same in the name of another user.
    pub async fn revoke_versions_as(
        &mut self,
        user: i32,
        table: &str,
        clause: &str,
        params: impl Into<Vec<Param>>,
    ) -> Rpc<u64> {
        let event = self.event().await?;
        Update::table(table)
            .set_null("active")
            .set("revoke_event", event)
            .set("revoker_id", user)
            .clause("active = TRUE", [])
            .clause(clause, params)
            .run(&self.db)
            .await
    }

    /// After the commit the scheduler looks at the database, in whatever process it runs.
    pub fn wake_scheduler(&mut self) {
        self.wakes_scheduler = true;
    }

    /// Undoes something outside of the database, such as a file that was moved, if the call fails.
    pub fn on_rollback(&mut self, undo: impl FnOnce() + Send + Sync + 'static) {
        self.on_rollback.push(Box::new(undo));
    }

    /// Does something outside of the database once the call's effect is certain, such as removing files.
    pub fn after_commit(&mut self, action: impl FnOnce() + Send + Sync + 'static) {
        self.after_commit.push(Box::new(action));
    }

    /// How far the actions outside of the database have got, for `undo_since`.
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.on_rollback.len(), self.after_commit.len())
    }

    /// Undoes what was done outside of the database since the mark, the last first.
    pub(super) fn undo_since(&mut self, mark: (usize, usize)) {
        for undo in self.on_rollback.drain(mark.0..).rev() {
            undo();
        }
        self.after_commit.truncate(mark.1);
    }

    /// Ends the transaction: commits what a successful call wrote, undoes everything else.
    pub(super) async fn finish(mut self, method: &str, succeeded: bool) -> Rpc<()> {
        if !succeeded || !self.db.dirty() {
            self.undo_since((0, 0));
            return self.db.rollback().await;
        }
        let committed = self.commit(method).await;
        match committed {
            Ok(actions) => {
                actions.into_iter().for_each(|action| action());
                Ok(())
            }
            Err((e, undo)) => {
                undo.into_iter().rev().for_each(|undo| undo());
                Err(e)
            }
        }
    }

    async fn commit(self, method: &str) -> Result<Actions, (error::Error, Actions)> {
        let Self { hub, db, identity, wakes_scheduler, on_rollback, after_commit, .. } = self;
        let write = async {
            if let Identity::User(session) = &identity {
                crate::session::keep_call_number(&db, session, method).await?;
            }
            if wakes_scheduler && db.is_postgres() {
                db.query("SELECT pg_notify('toji_wake', '')", vec![]).await?;
            }
            db.commit().await
        };
        match write.await {
            Ok(()) => {
                if wakes_scheduler {
                    hub.wake.notify_one();
                }
                Ok(after_commit)
            }
            Err(e) => Err((e, on_rollback)),
        }
    }
}

type Actions = Vec<Box<dyn FnOnce() + Send + Sync>>;

/// A user's permissions, their own and those of their groups, by name.
pub async fn permissions_of(db: &Db, user_id: i32) -> Rpc<Vec<String>> {
    let sql = "SELECT DISTINCT permissions.name FROM user_perms JOIN permissions ON permissions.id = perm_id \
         WHERE user_perms.active = TRUE AND (user_id = ? OR user_id IN \
         (SELECT group_id FROM user_groups WHERE user_id = ? AND active = TRUE)) ORDER BY permissions.name";
    db.values(sql, vec![user_id.into(), user_id.into()]).await
}

/// The groups that a user is a member of, by id.
pub async fn groups_of(db: &Db, user_id: i32) -> Rpc<BTreeMap<i32, String>> {
    let sql = "SELECT group_id, name FROM user_groups JOIN users ON users.id = group_id \
         WHERE user_groups.active = TRUE AND usertype = 2 AND user_id = ?";
    let rows = db.query(sql, vec![user_id.into()]).await?;
    rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
}
