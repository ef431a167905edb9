/// The initial state of the domain. Tests can rely on:
///
/// | user | | mailbox |
/// |---|---|---|
/// | `ada@harbor.example`, also `postmaster@` | the administrator | a few mails |
/// | `soc@harbor.example` | Sam Ochoa, sends as `alerts@` too, not yet as `press@partner.example` | the triage inbox, see `GmailSeedTriage`, and `Alert 01` to `Alert 40` |
/// | `fiona@harbor.example` | Fiona Finch | a few mails, an active vacation responder |
/// | `nils@harbor.example` | Nils Okafor | a thread of three mails with Fiona |
/// | `mika@harbor.example` | Mika Sato | empty |
/// | `otto@harbor.example` | Otto Ortiz | suspended: cannot be impersonated |
///
/// All mail was received on 2026-11-16, from 08:00 UTC on.
enum GmailSeed {
  static let admin = "ada@harbor.example"
  /// 2026-11-16T08:00:00Z
  static let epoch = 1_794_816_000

  static func domain() -> GoogleDomain {
    var domain = GoogleDomain(users: users)
    _ = domain.grants.issueRefresh(
      GoogleGrants.Refresh(userID: users[0].id, scopes: GoogleScope.documented),
      token: GoogleClient.refreshToken)
    for post in GmailSeedTriage.posts + GmailSeedRoutine.posts { deliver(post, to: &domain) }
    return domain
  }

  /// One mail in one mailbox.
  struct Post {
    var owner: String
    var mail: [UInt8]
    var labels = ["UNREAD", "INBOX"]
    /// After `epoch`.
    var milliseconds: Int
  }

  private static func deliver(_ post: Post, to domain: inout GoogleDomain) {
    guard let user = domain.user("\(post.owner)@\(GoogleDomain.name)") else {
      preconditionFailure("mail without a mailbox")
    }
    let number = domain.nextNumber()
    domain.change(user) { mailbox in
      if mailbox.messages.isEmpty { prepare(&mailbox, of: post.owner) }
      _ = mailbox.add(
        post.mail, labels: post.labels, atMilliseconds: epoch * 1_000 + post.milliseconds,
        number: number)
    }
  }

  private static func prepare(_ mailbox: inout GmailMailbox, of owner: String) {
    if owner == "soc" {
      mailbox.labels += [
        label("Label_12", "Ops/Review"), label("Label_13", "Phishing"), label("Label_14", "Closed"),
      ]
      mailbox.addedSendAs = [
        GmailSendAs(address: "alerts@harbor.example", name: "Harbor Alerts", isVerified: true),
        GmailSendAs(address: "press@partner.example", name: "", isVerified: false),
      ]
    }
    if owner == "fiona" {
      mailbox.vacation.isOn = true
      mailbox.vacation.subject = "Away until Monday"
      mailbox.vacation.plain = "I am at sea. For invoices write to nils@harbor.example."
      mailbox.vacation.restrictsToDomain = true
    }
  }

  private static func label(_ id: String, _ name: String) -> GmailLabel {
    GmailLabel(
      id: id, name: name, messageListVisibility: "show", labelListVisibility: "labelShow")
  }

  private static let users: [DirectoryUser] = [
    user(1, "ada", "Ada", "Lindqvist", aliases: ["postmaster"], isAdmin: true),
    user(2, "soc", "Sam", "Ochoa"),
    user(3, "fiona", "Fiona", "Finch"),
    user(4, "nils", "Nils", "Okafor", aliases: ["ops"]),
    user(5, "mika", "Mika", "Sato"),
    user(6, "otto", "Otto", "Ortiz", isSuspended: true),
  ]

  private static func user(
    _ number: Int, _ name: String, _ given: String, _ family: String, aliases: [String] = [],
    isAdmin: Bool = false, isSuspended: Bool = false
  ) -> DirectoryUser {
    DirectoryUser(
      id: "11580000000000000000\(number)", email: "\(name)@\(GoogleDomain.name)",
      aliases: aliases.map { "\($0)@\(GoogleDomain.name)" }, givenName: given, familyName: family,
      isAdmin: isAdmin, isSuspended: isSuspended,
      orgUnitPath: number > 4 ? "/Crew" : "/",
      createdSeconds: epoch - (400 - number * 30) * 86_400, password: "Sandbox-Mail-\(number)")
  }
}
