import Basics
import Engine

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
          request, .always("seq", .count, "The sequence number, from 0 without gaps."),
          .always(
            "item", .any, "An element of the items path, a target with its result, or an event."),
        ]),
      NotificationDescription(
        name: "invoke/progress", summary: "The progress of an invoke.",
        members: [request, .always("done", .count), .always("total", .count)]),
      NotificationDescription(
        name: "invoke/waiting", summary: "A streamed invoke is waiting.",
        members: [
          request, .always("reason", .text, "The reason, such as rate_limited."),
          .always("resume_at", .time),
        ]),
      NotificationDescription(
        name: "events/event", summary: "An event of events/follow.",
        members: [
          follower, .always("seq", .count, "The sequence number, from 0 without gaps."),
          .always("event", .reference("event")),
          .sometimes(
            "cursor", .text,
            "Continues after this event, or at the last cursor before it that the command knows."),
        ]),
      NotificationDescription(
        name: "events/heartbeat", summary: "A poll succeeded, and its events were sent.",
        members: [
          follower, .sometimes("cursor", .text),
          .sometimes("notices", .list(.text), "Those of the poll."),
          .always("next_poll_at", .time),
        ]),
      NotificationDescription(
        name: "events/failed", summary: "A poll failed. The follower continues.",
        members: [
          follower,
          .always("error", .reference("poll_failure")), .always("next_poll_at", .time),
        ]),
      NotificationDescription(
        name: "health/changed",
        summary: "The status of a connection changed, or notify_after_failures was reached.",
        members: [
          .always("connection", .text), .always("status", .choice(["healthy", "unhealthy"])),
          .always("consecutive_failures", .count), .sometimes("error", .reference("health_error")),
          .sometimes("checked_at", .time), .always("interval_seconds", .integer(from: 1)),
          .always("notify_after_failures", .integer(from: 1)),
        ]),
      NotificationDescription(
        name: "connections/changed",
        summary: "The vendor replaced a refresh token, or the connections file was read again.",
        members: [
          .always("name", .text, "The name of the connection."),
          .sometimes(
            "reload", .choice(ConnectionChange.Reload.allCases.map(\.rawValue)),
            "What a reload of the connections file did."),
        ]),
    ]
  }

  private static let follower = MessageSchema.Member.always(
    "id", .reference("request_id"), "The id of the events/follow request.")

  private static let request = MessageSchema.Member.always(
    "id", .reference("request_id"), "The id of the invoke.")

  /// The schemas of the params and of the whole notification.
  static var components: [SchemaComponent] {
    all.map { notification in
      SchemaComponent(
        notification.paramsComponent, notification.summary, .object(notification.members))
    } + [
      SchemaComponent(
        "notification", "A notification from the host.",
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
  /// The name of a method as part of a component name.
  var componentName: String {
    String(map { $0 == "/" || $0 == "." ? "_" : $0 })
  }
}
