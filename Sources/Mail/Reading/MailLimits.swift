/// Limits for reading a mail. Beyond a limit the mail is still read, but incompletely; see
/// `MailMessage.isTruncated`.
package struct MailLimits: Sendable {
  /// Maximum depth of nested parts. Deeper parts are not parsed.
  package var nesting = 100
  /// Maximum number of parts in a mail. The rest stays in the enclosing epilogue.
  package var parts = 10_000
  /// Maximum number of header fields in a mail. The rest is dropped.
  package var headers = 20_000

  package init() {}
}
