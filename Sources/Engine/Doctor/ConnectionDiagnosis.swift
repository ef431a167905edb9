import JSON

/// What `sallyport doctor` found out about one connection.
package struct ConnectionDiagnosis: Sendable {
  package enum Check: String, CaseIterable, Sendable {
    /// The definition in the file.
    case settings
    /// The files that it names, and the connections file: owner and mode.
    case files
    case references, dns, proxy, connect, tls, clock, credentials
  }

  package enum Verdict: String, Sendable {
    case ok, failed, skipped
    case notVerified = "not_verified"
  }

  package struct Finding: Sendable {
    package let check: Check
    package var verdict: Verdict
    package var message: String
    package var remedy: String?

    init(_ check: Check, _ verdict: Verdict, _ message: String, remedy: String? = nil) {
      self.check = check
      self.verdict = verdict
      self.message = message
      self.remedy = remedy
    }
  }

  package enum Outlook: String, CaseIterable, Sendable {
    case willRun = "will_run"
    case lacksPermission = "lacks_permission"
    case forbidden = "forbidden_by_policy"
    case notVerified = "not_verified"
  }

  package struct Command: Sendable {
    package let id: String
    package let outlook: Outlook
    package var message: String
  }

  package let name: String
  /// Empty if the definition names none.
  package let integration: String
  package internal(set) var findings: [Finding] = []
  package internal(set) var commands: [Command] = []
  /// Whether the vendor could not be asked whether it accepts the credentials.
  var couldNotAsk = false

  init(name: String, integration: String) {
    self.name = name
    self.integration = integration
  }

  /// Whether the commands that the policy allows will run, as far as is known.
  package var isWell: Bool {
    !couldNotAsk && !findings.contains { $0.verdict == .failed }
      && !commands.contains { $0.outlook == .lacksPermission }
  }

  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", name)
      writer.member("integration", integration)
      writer.name("checks")
      writer.array { writer in
        for finding in findings {
          writer.object {
            $0.member("check", finding.check.rawValue)
            $0.member("verdict", finding.verdict.rawValue)
            $0.member("message", finding.message)
            $0.member(ifPresent: "remedy", finding.remedy)
          }
        }
      }
      writer.name("commands")
      writer.array { writer in
        for command in commands {
          writer.object {
            $0.member("command", command.id)
            $0.member("verdict", command.outlook.rawValue)
            $0.member("message", command.message)
          }
        }
      }
    }
  }
}
