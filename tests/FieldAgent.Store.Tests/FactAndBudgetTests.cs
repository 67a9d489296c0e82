namespace FieldAgent.Store.Tests;

/// <summary>What recipients were told of facts, and how many bytes they were sent: kept through a restart.</summary>
public sealed class FactAndBudgetTests
{
    [Fact]
    public void What_a_recipient_was_told_is_kept_by_function_and_can_be_forgotten()
    {
        using var bench = new Bench();
        Assert.Empty(bench.Store.Facts.Told("vendor", "compatibility"));
        bench.Store.Facts.Note("vendor", "compatibility", [1, 2, 3]);
        bench.Store.Facts.Note("vendor", "compatibility", [4, 5, 6]);
        bench.Reopen();
        Assert.Equal([4, 5, 6], bench.Store.Facts.Told("vendor", "compatibility"));
        Assert.Empty(bench.Store.Facts.Told("vendor", "diagnostics"));
        Assert.Empty(bench.Store.Facts.Told("partner", "compatibility"));
        bench.Store.Facts.Forget("vendor", "compatibility");
        bench.Store.Facts.Forget("vendor", "compatibility");
        Assert.Empty(bench.Store.Facts.Told("vendor", "compatibility"));
    }

    [Fact]
    [Promise("R53")]
    public void Bytes_are_added_up_by_day_and_old_days_are_forgotten()
    {
        using var bench = new Bench();
        bench.Store.Budget.Add("vendor", 20_000, 100);
        bench.Store.Budget.Add("vendor", 20_000, 50);
        bench.Store.Budget.Add("vendor", 20_001, 7);
        bench.Store.Budget.Add("partner", 20_001, 1_000);
        bench.Reopen();
        Assert.Equal(157, bench.Store.Budget.Used("vendor", 20_000));
        Assert.Equal(7, bench.Store.Budget.Used("vendor", 20_001));
        Assert.Equal(0, bench.Store.Budget.Used("vendor", 20_002));
        bench.Store.Budget.Add("vendor", 20_036, 1);
        Assert.Equal(8, bench.Store.Budget.Used("vendor", 0));
    }
}
