namespace FieldAgent.Agent.Doctor;

/// <summary>The findings as a technician reads them: one line each, with the remedy.</summary>
internal static class DoctorText
{
    /// <summary>Writes them, and what they come to.</summary>
    public static void Write(DoctorReport report, TextWriter output)
    {
        foreach (var finding in report.Findings)
        {
            output.WriteLine(Line(finding));
        }

        var (fails, warnings) = (report.Findings.Count(static f => f.Result == Verdict.Fail), report.Findings.Count(static f => f.Result == Verdict.Warn));
        output.WriteLine(FormattableString.Invariant(
            $"{(fails == 0 ? "nothing fails" : fails == 1 ? "1 thing fails" : $"{fails} things fail")}, {warnings} warning{(warnings == 1 ? "" : "s")}, {report.Findings.Count} looked at"));
    }

    private static string Line(Finding finding)
    {
        var mark = finding.Result switch { Verdict.Ok => "ok  ", Verdict.Warn => "warn", _ => "FAIL" };
        var remedy = finding.Remedy.Length > 0 ? $" -> {finding.Remedy}" : "";
        return $"{mark}  {finding.Id,-24} {finding.Place}: {finding.Text}{remedy}".ReplaceLineEndings(" ");
    }
}
