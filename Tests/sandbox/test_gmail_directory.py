"""The emulated user directory, tested with Google's Python client."""

import pytest
import requests
from google.auth.exceptions import RefreshError
from Support.workspace import ADMIN, DOMAIN, FIONA, MAIL, MIKA, NILS, OTTO, SOC, USERS, refusal

NEW = {
    "primaryEmail": f"mike@{DOMAIN}", "name": {"givenName": "Mike", "familyName": "McDonald"},
    "password": "ChangeMe!"}
FORBIDDEN = (403, "Not Authorized to access this resource/api", "forbidden")
NOWHERE = (404, "Resource Not Found: userKey", "notFound")


@pytest.fixture
def users(workspace):
    return workspace.directory().users()


def addresses(users, **query):
    """The addresses of all pages."""
    query = {"customer": "my_customer"} | query
    call = users.list(**{name: value for name, value in query.items() if value is not None})
    found = []
    while call is not None:
        answer = call.execute()
        assert answer["kind"] == "admin#directory#users"
        found += [user["primaryEmail"] for user in answer.get("users", [])]
        call = users.list_next(call, answer)
    return found


def test_user_is_created_read_updated_and_deleted(workspace, users):
    made = users.insert(body={
        **NEW, "changePasswordAtNextLogin": True,
        "phones": [{"value": "+1 604 123 4567", "type": "work"}]}).execute()
    assert made["kind"] == "admin#directory#user"
    assert made["primaryEmail"] == NEW["primaryEmail"]
    assert made["name"]["fullName"] == "Mike McDonald"
    assert made["phones"] == [{"value": "+1 604 123 4567", "type": "work"}]
    assert made["changePasswordAtNextLogin"] is True
    assert (made["isAdmin"], made["isMailboxSetup"], made["orgUnitPath"]) == (False, False, "/")
    assert "password" not in made
    for key in (made["id"], made["primaryEmail"], made["primaryEmail"].upper()):
        assert users.get(userKey=key).execute()["id"] == made["id"]
    changed = users.update(userKey=made["id"], body={
        "password": "PASSword!@#$", "phones": [{"value": "+1", "type": "home"}],
        "name": {"givenName": "Michael"}}).execute()
    assert changed["phones"] == [{"value": "+1", "type": "home"}]
    assert changed["name"]["fullName"] == "Michael McDonald"
    assert changed["changePasswordAtNextLogin"] is True and changed["etag"] != made["etag"]
    assert "phones" not in users.patch(userKey=made["id"], body={"phones": None}).execute()
    assert users.delete(userKey=made["primaryEmail"]).execute() == ""
    for call in (
        users.get(userKey=made["id"]), users.delete(userKey=made["id"]),
        users.update(userKey=made["id"], body={"password": "PASSword!@#$"}),
    ):
        assert refusal(call) == NOWHERE
    assert addresses(users, showDeleted="true") == [NEW["primaryEmail"]]


def test_new_user_has_no_mailbox(workspace, users):
    users.insert(body=NEW).execute()
    profile = workspace.gmail(NEW["primaryEmail"]).users().getProfile(userId="me")
    assert refusal(profile) == (400, "Mail service not enabled", "failedPrecondition")


def test_address_is_unique(users):
    users.insert(body=NEW).execute()
    taken = (409, "Entity already exists.", "duplicate")
    for address in (NEW["primaryEmail"], NEW["primaryEmail"].upper(), f"postmaster@{DOMAIN}"):
        assert refusal(users.insert(body={**NEW, "primaryEmail": address})) == taken
    assert refusal(users.update(userKey=NEW["primaryEmail"], body={"primaryEmail": SOC})) == taken


@pytest.mark.parametrize("change, wanted", [
    ({"primaryEmail": "mike@elsewhere.example"}, FORBIDDEN),
    ({"primaryEmail": "mike"}, (400, "Invalid Input: primary_user_email", "invalid")),
    ({"primaryEmail": None}, (400, "Invalid Input: primary_user_email", "invalid")),
    ({"name": {"givenName": "Mike"}},
     (400, "Invalid Given/Family Name: FamilyName", "invalid")),
    ({"name": {"givenName": "M" * 61, "familyName": "x"}},
     (400, "Invalid Given/Family Name: GivenName", "invalid")),
    ({"name": None}, (400, "Invalid Given/Family Name: GivenName", "invalid")),
    ({"password": None}, (400, "Invalid Password", "invalid")),
    ({"password": "1234567"}, (400, "Invalid Password", "invalid")),
    ({"password": "x" * 101}, (400, "Invalid Password", "invalid")),
    ({"password": "pässwörter"}, (400, "Invalid Password", "invalid")),
    ({"password": "ChangeMe!", "hashFunction": "MD5"}, (400, "Invalid Password", "invalid")),
    ({"hashFunction": "ROT13"}, (400, "Invalid Input: hash_function", "invalid")),
    ({"suspended": "no"}, (400, "Invalid Input: suspended", "invalid")),
    ({"recoveryPhone": "604 123"}, (400, "Invalid Input: recovery_phone", "invalid")),
    ({"phones": [{"value": "1" * 1100}]}, (400, "Invalid Input: phones", "invalid")),
])
def test_invalid_user_is_rejected(users, change, wanted):
    body = {name: value for name, value in {**NEW, **change}.items() if value is not None}
    assert refusal(users.insert(body=body)) == wanted
    assert len(addresses(users)) == 6


def test_passwords_of_8_to_100_characters_and_digests_are_valid(users):
    for password in ("12345678", "x" * 100):
        users.update(userKey=SOC, body={"password": password}).execute()
    users.update(userKey=SOC, body={
        "password": "5f4dcc3b5aa765d61d8327deb882cf99", "hashFunction": "MD5"}).execute()
    assert refusal(users.update(userKey=SOC, body={"password": "short"})) == (
        400, "Invalid Password", "invalid")


def test_read_only_members_are_ignored(users):
    made = users.insert(body={**NEW, "isAdmin": True, "id": "1", "customerId": "x"}).execute()
    assert made["isAdmin"] is False and made["id"] != "1" and made["customerId"] != "x"


def test_list_is_sorted_and_paged(users):
    everyone = addresses(users)
    assert everyone == sorted([ADMIN, SOC, FIONA, NILS, MIKA, OTTO])
    assert addresses(users, maxResults=4) == everyone
    assert addresses(users, customer=None, domain=DOMAIN, maxResults=1) == everyone
    assert addresses(users, sortOrder="DESCENDING") == everyone[::-1]
    assert addresses(users, orderBy="familyName")[:2] == [FIONA, ADMIN]
    assert addresses(users, orderBy="givenName", sortOrder="DESCENDING")[0] == SOC


def test_customer_id_of_a_user_lists_the_users(users):
    customer = users.get(userKey=ADMIN).execute()["customerId"]
    assert len(addresses(users, customer=customer)) == 6


@pytest.mark.parametrize("query, found", [
    ("name:'Ada Lindqvist'", [ADMIN]),
    ("name='ada lindqvist' isAdmin=true", [ADMIN]),
    ("isAdmin=false familyName:O*", [NILS, OTTO, SOC]),
    ("isSuspended=true", [OTTO]),
    ("email:fio*", [FIONA]),
    ("email=ops@harbor.example", [NILS]),
    ("givenName:Mika", [MIKA]),
    ("orgUnitPath=/Crew", [MIKA, OTTO]),
    ("sato", [MIKA]),
    ("name:nobody", []),
])
def test_query_filters_the_list(users, query, found):
    assert addresses(users, query=query) == found


@pytest.mark.parametrize("query, wanted", [
    ({}, (400, "Bad Request", "badRequest")),
    ({"customer": "my_customer", "domain": DOMAIN}, (400, "Bad Request", "badRequest")),
    ({"customer": "harbor"}, (400, "Bad Request", "badRequest")),
    ({"customer": "C0other"}, FORBIDDEN),
    ({"domain": "harbor"}, (400, "Bad Request", "badRequest")),
    ({"domain": "elsewhere.example"}, FORBIDDEN),
    ({"customer": "my_customer", "query": "name:'open"}, (400, "Invalid Input: query", "invalid")),
    ({"customer": "my_customer", "query": "=x"}, (400, "Invalid Input: query", "invalid")),
    ({"customer": "my_customer", "pageToken": "x"},
     (400, "Invalid Input: pageToken", "invalid")),
])
def test_invalid_list_is_rejected(users, query, wanted):
    assert refusal(users.list(**query)) == wanted


def test_page_size_is_1_to_500(users):
    for size in (0, 501):
        assert refusal(users.list(customer="my_customer", maxResults=size))[0] == 400


def test_page_token_is_valid_for_three_days(workspace, workspace_sandbox):
    def page(token):
        # The client signs with the machine's clock, which is behind the sandbox's clock.
        params = {"customer": "my_customer", "maxResults": 2, "pageToken": token}
        access = workspace.exchange(
            grant_type="refresh_token",
            refresh_token=workspace.oauth["settings"]["refresh_token"]).json()["access_token"]
        return requests.get(
            workspace.base + "/admin/directory/v1/users", params=params,
            headers={"Authorization": f"Bearer {access}"})

    token = page(None).json()["nextPageToken"]
    second = page(token).json()["users"]
    workspace_sandbox.advance(3 * 86_400 - 60)
    assert page(token).json()["users"] == second
    workspace_sandbox.advance(61)
    assert page(token).json()["error"]["message"] == "Invalid Input: pageToken"


def test_directory_requires_an_administrator_and_the_scope(workspace):
    everyone = {"customer": "my_customer"}
    users = workspace.directory(SOC).users()
    for call in (
        users.list(**everyone), users.get(userKey=SOC), users.insert(body=NEW),
        users.update(userKey=SOC, body={"password": "PASSword!"}), users.delete(userKey=MIKA),
    ):
        assert refusal(call) == FORBIDDEN
    users = workspace.directory(ADMIN, [MAIL]).users()
    assert refusal(users.list(**everyone))[2] == "insufficientPermissions"
    assert len(addresses(workspace.directory().users())) == 6


def test_deleted_user_cannot_be_impersonated(workspace, users):
    mailbox = workspace.gmail(MIKA).users()
    mailbox.getProfile(userId="me").execute()
    users.update(userKey=MIKA, body={"suspended": True}).execute()
    assert refusal(mailbox.getProfile(userId="me")) == (
        400, "Mail service not enabled", "failedPrecondition")
    users.delete(userKey=MIKA).execute()
    with pytest.raises(RefreshError, match="Invalid email or User ID"):
        mailbox.getProfile(userId="me").execute()
    assert refusal(users.delete(userKey=ADMIN)) == FORBIDDEN


def test_old_address_becomes_an_alias(workspace, users):
    changed = users.update(userKey=MIKA, body={"primaryEmail": f"m.sato@{DOMAIN}"}).execute()
    assert changed["aliases"] == [MIKA]
    assert users.get(userKey=MIKA).execute()["primaryEmail"] == f"m.sato@{DOMAIN}"
    assert refusal(users.get(userKey="nobody@harbor.example")) == NOWHERE


def test_directory_quota_is_injected(workspace_sandbox, users):
    workspace_sandbox.faults("gmail: 403 quotaExceeded first 1 on POST /admin/directory/v1/users")
    assert refusal(users.insert(body=NEW)) == (403, "Quota exceeded.", "quotaExceeded")
    workspace_sandbox.faults("gmail: 412 conditionNotMet first 1 on PUT /admin/directory/*")
    made = users.insert(body=NEW).execute()
    change = users.update(userKey=made["id"], body={"password": "PASSword!"})
    assert refusal(change)[0] == 412
    change.execute()
