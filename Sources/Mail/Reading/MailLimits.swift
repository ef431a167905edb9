/// What a mail may make its reader do. Beyond a limit the mail is still read: see
/// `MailMessage.isCutShort`.
package struct MailLimits: Sendable {
  /// Parts inside parts; one deeper is not looked into.
  package var nesting = 100
  /// Of a whole mail. What follows stays in the epilogue around it.
  package var parts = 10_000
  /// Header fields of a whole mail; the rest is left out.
  package var headers = 20_000

  package init() {}
}
