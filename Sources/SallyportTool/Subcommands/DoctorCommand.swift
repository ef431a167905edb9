import Basics
import Engine
import Glibc
import JSON

/// `sallyport doctor`
enum DoctorCommand {
  static var description: Subcommand {
    Subcommand(
      name: "doctor", usage: "[--connection NAME] [--json] [OPTIONS]",
      summary: "check connections and what their credentials allow",
      details: """
        Checks each connection of the file: its settings, the mode of its files, references to
        secrets, DNS, proxy, TLS, the clock of this machine against the vendor's, and whether the
        vendor accepts the credentials. Then lists which commands will run. Values of secrets are
        never shown.

        Sends reads only, signs in once at most, and sends nothing after a 401. Each server gets one
        HEAD request without credentials. A policy that forbids Test Connection also keeps doctor
        from signing in.

        Exit status: 0 all well, also if a policy forbids commands or a connection is inactive; 1 a
        check failed, a permission is missing, or a vendor could not be asked; 2 invalid command
        line or connections file.
        """,
      examples: [
        "sallyport doctor --connections connections.json",
        "sallyport doctor --connections connections.json --connection prod --json |\n"
          + "    jq '.connections[].commands[] | select(.verdict == \"lacks_permission\")'",
        "sallyport doctor --sandbox",
      ],
      options: options, run: run)
  }

  private static let connection = Option(
    "--connection", "NAME", "only this connection (repeatable)")

  private static let options =
    [
      connection,
      Option("--json", nil, "print JSON"),
      CommonOptions.connections,
      Option("--sandbox", nil, "use emulated vendors; no account needed"),
      Option(
        "--sandbox-fault", "TEXT", "inject a fault, such as 'coda: 429 every 10' (repeatable)"),
    ] + PluginOptions.list + LogOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    if let extra = arguments.positionals.first {
      throw UsageError(
        "unexpected argument \"\(extra)\"", remedy: "Name a connection with --connection.")
    }
    let doctor = try doctor(arguments)
    let names = try names(arguments, doctor)
    Signals.watch {
      EndOfProcess.run()
      _exit(130)
    }
    let progress = DoctorProgress(total: names.count)
    let finished = Monitor<[ConnectionDiagnosis]?>(nil)
    Task.detached {
      let diagnoses = await doctor.examine(names) { progress.show($0) }
      finished.withLock { $0 = diagnoses }
      finished.notify()
    }
    let diagnoses = finished.wait { $0 } ?? []
    progress.clear()
    HostLog.log.flush()
    if arguments.has("--json") {
      Console.print(json: json(diagnoses).text)
    } else {
      DoctorReport(diagnoses).show()
    }
    return diagnoses.allSatisfy(\.isWell) ? 0 : 1
  }

  private static func doctor(_ arguments: ParsedArguments) throws(UsageError) -> Doctor {
    let (environment, proxies) = try CommonOptions.environment(arguments, filesByDefault: nil)
    do throws(ConfigurationError) {
      if let path = CommonOptions.connectionsPath(arguments) {
        return try Doctor(file: path, Integrations.catalogue, environment, proxies)
      }
    } catch {
      throw UsageError(error)
    }
    guard let content = try CommonOptions.startSandbox(arguments) else {
      throw UsageError(
        "missing connections file",
        remedy: "Use --connections FILE, SALLYPORT_CONNECTIONS or --sandbox.")
    }
    do throws(ConfigurationError) {
      return try Doctor(
        content: content, named: "sandbox", Integrations.catalogue, environment, proxies)
    } catch {
      throw UsageError(error)
    }
  }

  private static func names(
    _ arguments: ParsedArguments, _ doctor: Doctor
  ) throws(UsageError) -> Set<String> {
    let given = arguments.all(connection.name)
    guard !given.isEmpty else { return Set(doctor.names) }
    for name in given where !doctor.names.contains(name) {
      throw UsageError(
        "unknown connection \"\(name)\"",
        didYouMean: Suggestion.closest(to: name, among: doctor.names))
    }
    return Set(given)
  }

  private static func json(_ diagnoses: [ConnectionDiagnosis]) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.name("connections")
        writer.array { writer in for diagnosis in diagnoses { diagnosis.write(to: &writer) } }
      }
    }
  }
}
