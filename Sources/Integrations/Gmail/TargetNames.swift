import IntegrationKit

/// Display names of messages: their snippets.
extension TargetNaming {
  static let messages: @Sendable () -> TargetNaming = {
    TargetNaming(
      of: "message_ids", by: "get_email", "message_ids", sharing: ["user_email"],
      names: [["snippet"]])
  }
}
