import Basics

/// A notification that the host sends.
struct NotificationDescription: Sendable {
  let name: String
  let summary: String
  let members: [MessageSchema.Member]

  var paramsComponent: String { name.componentName + "_params" }

  static var all: [NotificationDescription] {
    [
      NotificationDescription(
        name: "invoke/item", summary: "One item of a stream.",
        members: [
          request, .always("seq", .count, "From 0, without a gap."),
          .always(
            "item", .any,
            "An element of the items path, a target with what it brought, or an event."
          ),
        ]),
      NotificationDescription(
        name: "invoke/progress", summary: "How far an invoke is.",
        members: [request, .always("done", .count), .always("total", .count)]),
      NotificationDescription(
        name: "invoke/waiting", summary: "A streamed invoke waits.",
        members: [
          request, .always("reason", .text, "Such as rate_limited."), .always("resume_at", .time),
        ]),
      NotificationDescription(
        name: "health/changed",
        summary: "A check of a connection changed its status, or failed as often as was asked for.",
        members: [
          .always("connection", .text), .always("status", .choice(["healthy", "unhealthy"])),
          .always("consecutive_failures", .count), .sometimes("error", .text),
          .sometimes("checked_at", .time), .always("interval_seconds", .integer(from: 1)),
          .always("notify_after_failures", .integer(from: 1)),
        ]),
      NotificationDescription(
        name: "connections/changed", summary: "The refresh token of a connection was replaced.",
        members: [.always("name", .text, "The connection.")]),
    ]
  }

  private static let request = MessageSchema.Member.always(
    "id", .reference("request_id"), "Of the invoke that it belongs to.")

  /// The schemas of the params, and of a notification as a whole.
  static var components: [SchemaComponent] {
    all.map { notification in
      SchemaComponent(
        notification.paramsComponent, notification.summary, .object(notification.members))
    } + [
      SchemaComponent(
        "notification", "What the host says without being asked.",
        .oneOf(
          all.map { notification in
            .closed([
              EnvelopeSchemas.version, .always("method", .word(notification.name)),
              .always("params", .reference(notification.paramsComponent)),
            ])
          }))
    ]
  }
}

extension String {
  /// The name of a method as part of a component's.
  var componentName: String {
    String(map { $0 == "/" || $0 == "." ? "_" : $0 })
  }
}
