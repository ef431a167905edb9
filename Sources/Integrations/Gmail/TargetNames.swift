import IntegrationKit

/// How messages are called by people: by how they begin.
extension TargetNaming {
  static let messages: @Sendable () -> TargetNaming = {
    TargetNaming(
      of: "message_ids", by: "get_email", "message_ids", sharing: ["user_email"],
      names: [["snippet"]])
  }
}
