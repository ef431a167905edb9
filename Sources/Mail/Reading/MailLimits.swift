/// What a mail may make its reader do. Beyond a limit the mail is still read: see
/// `MailMessage.isCutShort`.
public struct MailLimits: Sendable {
  /// Parts inside parts; one deeper is not looked into.
  public var nesting = 100
  /// Of a whole mail. What follows stays in the epilogue around it.
  public var parts = 10_000
  /// Header fields of a whole mail; the rest is left out.
  public var headers = 20_000

  public init() {}
}
