"""Every route with what it needs: the action, on which entity, and a body that is taken."""

from __future__ import annotations

from dataclasses import dataclass

from query_api.auth.rights import Action
from schemas.access import EntityKind

READ, CHANGE = Action.READ_TELEMETRY, Action.CHANGE
ENTITY, ACCESS, OWNERS = Action.READ_ENTITY, Action.MANAGE_ACCESS, Action.MANAGE_OWNERS
TOKEN = "hfwl_" + "0" * 64
SOME = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Route:
    """What a route needs: an action on one of the `on` (names in `ABOVE`); `alone`: by a role on
    that entity itself, not on one above it."""

    method: str
    path: str
    action: Action | str
    on: tuple[str, ...] = ()
    body: object = None
    alone: bool = False


ABOVE = {
    "pool": ("pool",),
    "operator": ("operator", "pool"),
    "alpha": ("alpha", "operator", "pool"),
    "beta": ("beta", "pool"),
}
"""Each entity with those above it; beta has no operator."""

KIND = {
    "pool": EntityKind.POOL,
    "operator": EntityKind.OPERATOR,
    "alpha": EntityKind.MINER,
    "beta": EntityKind.MINER,
}

LABELS = {"worker_ids": ["{rig}"], "note": "fan 2"}
INVITATION = {"email": "new@example.com", "roles": ["viewer"]}
ROUTES = {
    "workers_stats": Route("GET", "/workers/stats?id={rig}", READ, ("alpha",)),
    "workers_charts": Route("GET", "/workers/charts?period=PT15M&id={rig}", READ, ("alpha",)),
    "workers_rejects": Route("GET", "/workers/rejects?period=PT15M&id={rig}", READ, ("alpha",)),
    "miners_stats": Route("GET", "/miners/stats?id={alpha}", READ, ("alpha",)),
    "miners_charts": Route("GET", "/miners/charts?period=PT1H&id={alpha}", READ, ("alpha",)),
    "miners_rejects": Route("GET", "/miners/rejects?period=P1D&id={alpha}", READ, ("alpha",)),
    "operator_stats": Route("GET", "/operators/{operator}/stats", READ, ("operator",)),
    "operator_chart": Route("GET", "/operators/{operator}/charts?period=P1D", READ, ("operator",)),
    "pool_stats": Route("GET", "/pools/{pool}/stats", Action.READ_POOL_STATS, ("pool",)),
    "pool_sources": Route("GET", "/pools/{pool}/sources", Action.READ_POOL_STATS, ("pool",)),
    "pool_overview": Route("GET", "/pools/{pool}/overview", Action.READ_POOL_STATS, ("pool",)),
    "pool_chart": Route("GET", "/pools/{pool}/charts?period=P1W", READ, ("pool",)),
    "workers_reject_charts": Route(
        "GET", "/workers/rejects/charts?period=PT15M&id={rig}", READ, ("alpha",)
    ),
    "miners_reject_charts": Route(
        "GET", "/miners/rejects/charts?from=2026-09-01T00:00:00Z&id={alpha}", READ, ("alpha",)
    ),
    "operator_rejects": Route(
        "GET", "/operators/{operator}/rejects?period=P1D", READ, ("operator",)
    ),
    "operator_reject_chart": Route(
        "GET", "/operators/{operator}/rejects/charts?period=P1D", READ, ("operator",)
    ),
    "pool_rejects": Route("GET", "/pools/{pool}/rejects?period=P1D", READ, ("pool",)),
    "pool_reject_chart": Route("GET", "/pools/{pool}/rejects/charts?period=P1D", READ, ("pool",)),
    "miner_workers": Route("GET", "/miners/{alpha}/workers", READ, ("alpha",)),
    "operator_workers": Route("GET", "/operators/{operator}/workers", READ, ("operator",)),
    "pool_workers": Route("GET", "/pools/{pool}/workers", READ, ("pool",)),
    "miner_worker_counts": Route("GET", "/miners/{alpha}/workers/stats", READ, ("alpha",)),
    "operator_worker_counts": Route(
        "GET", "/operators/{operator}/workers/stats", READ, ("operator",)
    ),
    "pool_worker_counts": Route("GET", "/pools/{pool}/workers/stats", READ, ("pool",)),
    "miner_label_counts": Route(
        "GET", "/miners/{alpha}/workers/labels", Action.READ_LABELS, ("alpha",)
    ),
    "operator_label_counts": Route(
        "GET", "/operators/{operator}/workers/labels", Action.READ_LABELS, ("operator",)
    ),
    "pool_label_counts": Route(
        "GET", "/pools/{pool}/workers/labels", Action.READ_LABELS, ("pool",)
    ),
    "change_miner_labels": Route(
        "PATCH", "/miners/{alpha}/workers/labels", CHANGE, ("alpha",), LABELS
    ),
    "change_operator_labels": Route(
        "PATCH", "/operators/{operator}/workers/labels", CHANGE, ("operator",), LABELS
    ),
    "change_pool_labels": Route("PATCH", "/pools/{pool}/workers/labels", CHANGE, ("pool",), LABELS),
    "worker": Route("GET", "/workers/{rig}", READ, ("alpha",)),
    "worker_availability": Route("GET", "/workers/{rig}/availability", READ, ("alpha",)),
    "random_worker_name": Route("GET", "/workers/random-name", "any"),
    "remove_worker": Route("DELETE", "/workers/{rig}", CHANGE, ("alpha",)),
    "create_boundary_worker": Route(
        "POST",
        "/workers/boundary",
        CHANGE,
        # Rights on both sides: on what is above alpha and beta.
        ("pool",),
        {
            "name": "gift",
            "hashrate": 10**14,
            "donor_miner_id": "{alpha}",
            "recipient_miner_id": "{beta}",
        },
    ),
    "boundary_worker": Route("GET", "/workers/boundary/{gift}", READ, ("alpha", "beta")),
    "change_boundary_worker": Route(
        "PATCH", "/workers/boundary/{gift}", CHANGE, ("alpha",), {"hashrate": "5000000000"}
    ),
    "put_boundary_worker": Route(
        "PUT", "/workers/boundary/{gift}", CHANGE, ("alpha",), {"hashrate": "5000000000"}
    ),
    "disconnect_boundary_worker": Route(
        "DELETE", "/workers/boundary/{gift}", CHANGE, ("alpha", "beta")
    ),
    "hashrate_transfers": Route("GET", "/miners/{alpha}/hashrate-transfers", READ, ("alpha",)),
    "donor_stats": Route("GET", "/miners/{alpha}/boundary-workers/stats", READ, ("alpha",)),
    "donor_chart": Route(
        "GET", "/miners/{alpha}/boundary-workers/charts?period=PT15M", READ, ("alpha",)
    ),
    "donor_daily_report": Route(
        "GET", "/miners/{alpha}/boundary-workers/daily-report", READ, ("alpha",)
    ),
    "workers_daily_report": Route("GET", "/miners/{alpha}/workers/daily-report", READ, ("alpha",)),
    "status_transitions": Route(
        "GET", "/miners/{alpha}/workers/status-transitions", READ, ("alpha",)
    ),
    "list_thresholds": Route("GET", "/miners/{alpha}/thresholds", READ, ("alpha",)),
    "create_threshold": Route(
        "POST",
        "/miners/{alpha}/thresholds",
        CHANGE,
        ("alpha",),
        {"metric": "hashrate_of_week", "bound": "80"},
    ),
    "change_threshold": Route(
        "PATCH", f"/miners/{{alpha}}/thresholds/{SOME}", CHANGE, ("alpha",), {"bound": "70"}
    ),
    "delete_threshold": Route("DELETE", f"/miners/{{alpha}}/thresholds/{SOME}", CHANGE, ("alpha",)),
    "list_webhooks": Route("GET", "/miners/{alpha}/webhooks", CHANGE, ("alpha",)),
    "create_webhook": Route(
        "POST", "/miners/{alpha}/webhooks", CHANGE, ("alpha",), {"url": "https://example.com/"}
    ),
    "change_webhook": Route(
        "PATCH", f"/miners/{{alpha}}/webhooks/{SOME}", CHANGE, ("alpha",), {"enabled": True}
    ),
    "delete_webhook": Route("DELETE", f"/miners/{{alpha}}/webhooks/{SOME}", CHANGE, ("alpha",)),
    "send_webhook_test": Route(
        "POST", f"/miners/{{alpha}}/webhooks/{SOME}/test", CHANGE, ("alpha",)
    ),
    "rotate_webhook_secret": Route(
        "POST", f"/miners/{{alpha}}/webhooks/{SOME}/rotate", CHANGE, ("alpha",)
    ),
    "list_deliveries": Route(
        "GET", f"/miners/{{alpha}}/webhooks/{SOME}/deliveries", CHANGE, ("alpha",)
    ),
    "retry_delivery": Route(
        "POST", f"/miners/{{alpha}}/webhooks/{SOME}/deliveries/{SOME}/retry", CHANGE, ("alpha",)
    ),
    "set_alerts": Route("PUT", "/miners/{alpha}/alerts", CHANGE, ("alpha",), {"delay_seconds": 60}),
    "miner": Route("GET", "/miners/{alpha}", ENTITY, ("alpha",)),
    "set_title": Route("PUT", "/miners/{alpha}/title", CHANGE, ("alpha",), {"title": "A"}),
    "clear_title": Route("DELETE", "/miners/{alpha}/title", CHANGE, ("alpha",)),
    "operator": Route("GET", "/operators/{operator}", ENTITY, ("operator",)),
    "operator_miners": Route("GET", "/operators/{operator}/miners", ENTITY, ("operator",)),
    "operator_miner_counts": Route(
        "GET", "/operators/{operator}/miners/stats", ENTITY, ("operator",)
    ),
    "add_operator_miner": Route(
        "POST", "/operators/{operator}/miners", CHANGE, ("operator",), {"account_name": "alpha"}
    ),
    "pool": Route("GET", "/pools/{pool}", ENTITY, ("pool",)),
    "pool_operators": Route("GET", "/pools/{pool}/operators", ENTITY, ("pool",)),
    "pool_miners": Route("GET", "/pools/{pool}/miners", ENTITY, ("pool",)),
    "pool_miner_counts": Route("GET", "/pools/{pool}/miners/stats", ENTITY, ("pool",)),
    "add_pool_miner": Route(
        "POST", "/pools/{pool}/miners", CHANGE, ("pool",), {"account_name": "alpha"}
    ),
    "invite_to_miner": Route("POST", "/miners/{alpha}/access", ACCESS, ("alpha",), INVITATION),
    "modify_access_to_miner": Route(
        "PATCH", "/miners/{alpha}/access", ACCESS, ("alpha",), INVITATION
    ),
    "put_access_to_miner": Route("PUT", "/miners/{alpha}/access", ACCESS, ("alpha",), INVITATION),
    "revoke_access_to_miner": Route(
        "DELETE", "/miners/{alpha}/access?email=no@example.com", ACCESS, ("alpha",)
    ),
    "invite_to_operator": Route(
        "POST", "/operators/{operator}/access", ACCESS, ("operator",), INVITATION
    ),
    "modify_access_to_operator": Route(
        "PATCH", "/operators/{operator}/access", ACCESS, ("operator",), INVITATION
    ),
    "put_access_to_operator": Route(
        "PUT", "/operators/{operator}/access", ACCESS, ("operator",), INVITATION
    ),
    "revoke_access_to_operator": Route(
        "DELETE", "/operators/{operator}/access?email=no@example.com", ACCESS, ("operator",)
    ),
    "invite_to_pool": Route("POST", "/pools/{pool}/access", ACCESS, ("pool",), INVITATION),
    "modify_access_to_pool": Route("PATCH", "/pools/{pool}/access", ACCESS, ("pool",), INVITATION),
    "put_access_to_pool": Route("PUT", "/pools/{pool}/access", ACCESS, ("pool",), INVITATION),
    "revoke_access_to_pool": Route(
        "DELETE", "/pools/{pool}/access?email=no@example.com", ACCESS, ("pool",)
    ),
    "miner_invitations": Route("GET", "/miners/{alpha}/invitations", ACCESS, ("alpha",)),
    "operator_invitations": Route(
        "GET", "/operators/{operator}/invitations", ACCESS, ("operator",)
    ),
    "pool_invitations": Route("GET", "/pools/{pool}/invitations", ACCESS, ("pool",)),
    "accept_invitation": Route("POST", "/invites/accept", "person", (), {}),
    "add_recipient": Route(
        "POST",
        "/miners/recipients",
        CHANGE,
        ("alpha",),
        {"account_name": "alpha", "email": "new@example.com", "donor_miner_id": "{alpha}"},
    ),
    "miners_of_email": Route("GET", "/miners?email=new@example.com", "any"),
    "request_miner_deletion": Route("DELETE", "/miners/{alpha}", OWNERS, ("alpha",)),
    "list_pool_users": Route("GET", "/pools/{pool}/users", ACCESS, ("pool",)),
    "pool_user": Route("GET", f"/pools/{{pool}}/users/{SOME}", ACCESS, ("pool",)),
    "delete_pool_user": Route("DELETE", f"/pools/{{pool}}/users/{SOME}", ACCESS, ("pool",)),
    "pool_user_deletion_request": Route(
        "GET", f"/pools/{{pool}}/users/{SOME}/deletion-request", ACCESS, ("pool",)
    ),
    "pool_deletion_requests": Route("GET", "/pools/{pool}/deletion-requests", ACCESS, ("pool",)),
    "pool_user_sessions": Route("GET", f"/pools/{{pool}}/users/{SOME}/sessions", ACCESS, ("pool",)),
    "end_session": Route("DELETE", f"/pools/{{pool}}/sessions/{SOME}", ACCESS, ("pool",)),
    "reset_second_factor": Route(
        "POST", f"/pools/{{pool}}/users/{SOME}/2fa", ACCESS, ("pool",), {"type": "totp"}
    ),
    "delete_second_factor": Route(
        "DELETE", f"/pools/{{pool}}/users/{SOME}/2fa", ACCESS, ("pool",), {"type": "totp"}
    ),
    "pool_user_invitations": Route(
        "GET", f"/pools/{{pool}}/users/{SOME}/invites", ACCESS, ("pool",)
    ),
    "invite_pool_user_again": Route(
        "POST", f"/pools/{{pool}}/users/{SOME}/invites", ACCESS, ("pool",)
    ),
    "pool_user_permissions": Route(
        "GET", f"/pools/{{pool}}/users/{SOME}/permissions", ACCESS, ("pool",)
    ),
    "list_watchers": Route("GET", "/miners/{alpha}/watchers", CHANGE, ("alpha",)),
    "create_watcher": Route("POST", "/miners/{alpha}/watchers", CHANGE, ("alpha",), {}),
    "revoke_watcher": Route("DELETE", f"/miners/{{alpha}}/watchers/{SOME}", CHANGE, ("alpha",)),
    "current_user": Route("GET", "/user", "any"),
    "set_status": Route("PUT", "/user/status", "user", (), {"status": "active"}),
    "set_language": Route("PUT", "/user/language", "user", (), {"language": "en"}),
    "request_user_deletion": Route("POST", "/users/{self}/deletion-request", "signed-in self"),
    "list_api_keys": Route("GET", "/users/{self}/api-keys", "self"),
    "create_api_key": Route(
        "POST", "/users/{self}/api-keys", "signed-in self", (), {"title": "ci"}
    ),
    "revoke_api_key": Route("DELETE", f"/users/{{self}}/api-keys/{SOME}", "signed-in self"),
    "register_miner": Route("POST", "/miners", "no watcher", (), {"account_name": "alpha"}),
    "list_bookmarks": Route("GET", "/users/{self}/watchers", "self"),
    "add_bookmark": Route("POST", "/users/{self}/watchers", "self", (), {"token": TOKEN}),
    "drop_bookmark": Route("DELETE", f"/users/{{self}}/watchers/{TOKEN}", "self"),
    "notification_preferences": Route("GET", "/users/{self}/notifications", "self"),
    "change_notifications": Route("PATCH", "/users/{self}/notifications", "self", (), {}),
    "replace_notifications": Route("PUT", "/users/{self}/notifications", "self", (), {}),
    "create_invite": Route("POST", "/users/{self}/telegram/invite", "self"),
    "newest_invite": Route("GET", "/users/{self}/telegram/invite", "self"),
    "connected_chat": Route("GET", "/users/{self}/telegram/chat", "self"),
    "disconnect_chat": Route("DELETE", "/users/{self}/telegram/chat", "self"),
    "public_pool": Route("GET", "/pool", "public"),
    "public_pool_stats": Route("GET", "/pool/stats", "public"),
    "public_pool_page": Route("GET", "/public/pools/{pool}", "public"),
    "public_pool_chart": Route("GET", "/public/pools/{pool}/charts?period=P1D", "public"),
    "public_miner": Route("GET", "/public/miners/alpha", "public"),
    "public_miner_chart": Route("GET", "/public/miners/alpha/charts?period=P1D", "public"),
    "watcher_permissions": Route("GET", f"/watchers/{TOKEN}/permissions", "public"),
}
STREAMED = {"live_events", "pool_live_events"}  # have no end; tested with the feed
PROBES = {"healthz", "readyz", "metrics"}
