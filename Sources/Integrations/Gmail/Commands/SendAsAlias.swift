import HTTP
import IntegrationKit
import JSON
import Mail

/// An address that a mailbox may send as (users.settings.sendAs).
///
/// Gmail replaces a From address that is none of the mailbox by its main address, and reports nothing.
/// So the address is checked before the mail is sent.
enum SendAsAlias {
  static let notFoundRemedy = """
    The mailbox cannot send as this address. Add it in Gmail (Settings, Accounts, Send mail as), or \
    use an address that is there.
    """

  static func request(
    of address: String, in mailbox: String, with client: GmailClient
  ) -> HTTPRequest {
    var request = client.mail(
      .get, mailbox, "/settings/sendAs/", address, for: .readSettings)
    request.isSideEffectFree = true
    return request
  }

  /// - Parameter body: the response to `request`.
  /// - Throws: if the owner of the address has not confirmed it. The main address has no status.
  static func check(_ body: JSON, _ address: String) throws(CommandError) {
    guard body["verificationStatus"]?.equals("pending") == true else { return }
    throw CommandError(
      .validation, "The address \(address) is not verified yet, so Gmail would not send as it.",
      remedy: "Its owner must follow the link in Gmail's verification mail.")
  }
}
