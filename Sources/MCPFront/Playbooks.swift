import Basics
import JSON
import RPC

/// A prompt: the steps of a common playbook with their tools.
struct Playbook: Sendable {
  struct Argument: Sendable {
    let name: String
    let about: String
    let isRequired: Bool
  }

  /// A step of the work.
  struct Step: Sendable {
    /// The tool; nil for a step without one. The step is omitted if the tool is not available.
    let tool: String?
    let text: String

    init(_ tool: String? = nil, _ text: String) {
      self.tool = tool
      self.text = text
    }
  }

  let name: String
  let title: String
  let description: String
  let arguments: [Argument]
  /// The tool that the playbook requires.
  let essentialTool: String
  /// The task, from the values of the arguments.
  let task: @Sendable ([String: String]) -> String
  let steps: [Step]

  static let all = [triagePhishing, isolateHost, weeklyReport]

  private static let triagePhishing = Playbook(
    name: "triage_phishing_mail", title: "Triage a phishing mail",
    description:
      "Analyzes a suspicious mail, decides whether it is phishing, and proposes actions.",
    arguments: [
      Argument(name: "user_email", about: "The mailbox that contains the mail.", isRequired: true),
      Argument(
        name: "message_id",
        about: "The mail. Default: the newest suspicious one.",
        isRequired: false),
    ],
    essentialTool: "gmail__get_email",
    task: { values in
      let mail = values["message_id"].map { "the mail \($0)" } ?? "the newest suspicious mail"
      return "Triage \(mail) in the mailbox \(values["user_email"] ?? "")."
    },
    steps: [
      Step("gmail__search_emails", "If no mail is given, find it with gmail__search_emails."),
      Step(
        "gmail__get_email", "Read it with gmail__get_email: sender, reply address, links, wording."),
      Step(
        "gmail__download_email_attachment",
        "Store its attachments with gmail__download_email_attachment; the references contain their SHA-256."
      ),
      Step(nil, "Decide whether it is phishing and name the evidence. Do not open links."),
      Step(
        "bitdefender_gravityzone__add_to_blocklist",
        "If an attachment is malicious, propose bitdefender_gravityzone__add_to_blocklist with its hash."
      ),
      Step(
        "gmail__report_spam",
        "Propose gmail__report_spam for the mail and similar ones. Act only after the user agrees."
      ),
    ])

  private static let isolateHost = Playbook(
    name: "isolate_host", title: "Isolate a host",
    description: "Finds an endpoint, isolates it from the network, and verifies the isolation.",
    arguments: [
      Argument(name: "host", about: "The name or address of the endpoint.", isRequired: true),
      Argument(name: "reason", about: "The reason, for the report.", isRequired: false),
    ],
    essentialTool: "bitdefender_gravityzone__isolate_endpoints",
    task: { values in
      let reason = values["reason"].map { " Reason: \($0)." } ?? ""
      return "Isolate the endpoint \(values["host"] ?? "").\(reason)"
    },
    steps: [
      Step(
        "bitdefender_gravityzone__list_endpoints",
        "Find it with bitdefender_gravityzone__list_endpoints. If several match, ask which one."),
      Step(
        "bitdefender_gravityzone__isolate_endpoints",
        "Show the endpoint to the user, then run bitdefender_gravityzone__isolate_endpoints."),
      Step(
        "bitdefender_gravityzone__get_managed_endpoint_details",
        "Check the state with bitdefender_gravityzone__get_managed_endpoint_details."),
      Step(
        "bitdefender_gravityzone__restore_endpoints",
        "Explain that bitdefender_gravityzone__restore_endpoints ends the isolation."),
    ])

  private static let weeklyReport = Playbook(
    name: "weekly_report", title: "Weekly report",
    description: "Summarizes the risk of the last days for decision makers.",
    arguments: [
      Argument(name: "days", about: "The number of days. Default: 7.", isRequired: false)
    ],
    essentialTool: "coda_footprint__list_devices",
    task: {
      "Write a report on the security of the last \($0["days"] ?? "7") days, one page at most."
    },
    steps: [
      Step("coda_footprint__list_devices", "Devices at risk: coda_footprint__list_devices."),
      Step(
        "coda_footprint__list_device_vulnerabilities",
        "Vulnerabilities of the three worst devices: coda_footprint__list_device_vulnerabilities."),
      Step(
        "bitdefender_gravityzone__list_quarantine_items",
        "Blocked threats: bitdefender_gravityzone__list_quarantine_items."),
      Step(
        "bitdefender_gravityzone__list_scan_tasks",
        "Scans: bitdefender_gravityzone__list_scan_tasks."),
      Step(nil, "Give numbers, name what got worse, and end with three actions for next week."),
    ])
}

/// The methods for prompts.
struct PlaybookMethods: Sendable {
  let catalogue: ToolCatalogue

  private func offered() -> (playbooks: [Playbook], tools: Set<String>) {
    let tools = Set(catalogue.tools().map(\.name))
    return (Playbook.all.filter { tools.contains($0.essentialTool) }, tools)
  }

  func writeList(_ params: JSON?, for caller: MCPCaller, to writer: inout JSONWriter)
    throws(RPCError)
  {
    guard try MCPCursor.read(params) == nil else { throw MCPCursor.error }
    let playbooks = offered().playbooks
    writer.result(for: caller, caching: .lists) { writer in
      writer.name("prompts")
      writer.array { for playbook in playbooks { playbook.write(for: caller, to: &$0) } }
    }
  }

  func write(_ params: JSON?, for caller: MCPCaller, to writer: inout JSONWriter) throws(RPCError) {
    guard let name = params?["name"]?.string else {
      throw MCPError.invalid("params.name must be the name of a prompt.")
    }
    let (playbooks, tools) = offered()
    guard let playbook = playbooks.first(where: { $0.name == name }) else {
      throw MCPError.invalid(
        "Unknown prompt \"\(name.prefix(100))\".",
        didYouMean: Suggestion.closest(to: name, among: playbooks.map(\.name)))
    }
    let values = try playbook.values(params?["arguments"])
    writer.result(for: caller) { writer in
      writer.member("description", playbook.description)
      writer.name("messages")
      writer.array { writer in
        writer.object { writer in
          writer.member("role", "user")
          writer.name("content")
          writer.textContent(playbook.text(values, tools: tools) + catalogue.howToRun)
        }
      }
    }
  }
}

extension Playbook {
  fileprivate func values(_ json: JSON?) throws(RPCError) -> [String: String] {
    if let json, json.kind != .object {
      throw MCPError.invalid("params.arguments must be an object of strings.")
    }
    let names = arguments.map(\.name)
    if let json {
      for member in json.members where !names.contains(member.name.string ?? "") {
        let name = member.name.string ?? ""
        throw MCPError.invalid(
          "params.arguments.\(name.prefix(100)): unknown argument; expected one of: "
            + "\(names.joined(separator: ", ")).",
          didYouMean: Suggestion.closest(to: name, among: names))
      }
    }
    var values: [String: String] = [:]
    for argument in arguments {
      let value = json?[argument.name].flatMap { $0.isNull ? nil : $0 }
      if let value, value.kind != .string {
        throw MCPError.invalid("params.arguments.\(argument.name) must be a string.")
      }
      if let text = value?.string, !text.isEmpty { values[argument.name] = text }
      if argument.isRequired && values[argument.name] == nil {
        throw MCPError.invalid("params.arguments.\(argument.name) is required: \(argument.about)")
      }
    }
    return values
  }

  fileprivate func text(_ values: [String: String], tools: Set<String>) -> String {
    let possible = steps.filter { $0.tool.map(tools.contains) ?? true }
    let lines = possible.enumerated().map { "\($0 + 1). \($1.text)" }
    return ([task(values), ""] + lines).joined(separator: "\n")
  }

  fileprivate func write(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", name)
      if caller.revision.hasStructuredContent { writer.member("title", title) }
      writer.member("description", description)
      writer.name("arguments")
      writer.array { writer in
        for argument in arguments {
          writer.object {
            $0.member("name", argument.name)
            $0.member("description", argument.about)
            $0.member("required", argument.isRequired)
          }
        }
      }
    }
  }
}
